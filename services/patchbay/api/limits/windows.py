"""
What was used within the last hour, by key and by account: counted here, and heard from the other copies.

Counting is the hot path: a look into a dictionary and a few additions. All else happens beside it.
"""

from collections import OrderedDict
from secrets import token_hex
from typing import Final

from patchbay.usage import SLOT_SECONDS, SLOTS, Count, slot_at

MOST_ENTRIES: Final = 400_000  # of slots in all windows, own and heard: some 100 MB
MOST_UNLIMITED: Final = 100_000  # keys without a limit whose last use is remembered, to be told again
MOST_UNFAMILIAR: Final = 10_000  # ids that wait to be looked up


class Slot:
    """What was used in one slot of time."""

    __slots__ = ("amount", "number", "own_amount", "own_bytes", "size_bytes", "told_amount")

    def __init__(self, number: int) -> None:
        self.number = number
        self.amount = self.size_bytes = 0  # in all copies
        self.own_amount = self.own_bytes = 0  # in this one
        self.told_amount = 0


class Window:
    """The last hour of a key or an account. In no 60 minutes does it use more than its limit."""

    __slots__ = ("amount", "heard", "id", "is_familiar", "size_bytes", "slots", "used_at")

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.slots: list[Slot] = []  # oldest first
        self.amount = self.size_bytes = 0
        self.used_at = 0
        self.is_familiar = False  # once it has been used here: what is known elsewhere is looked up then
        self.heard: dict[tuple[str, int], tuple[int, int]] | None = None  # by copy and slot

    def seconds_until_back(self, now_seconds: float) -> int:
        """Return when something that was used comes back: an hour after the end of the oldest slot."""
        oldest = self.slots[0].number if self.slots else slot_at(now_seconds)
        return max(1, int((oldest + SLOTS + 1) * SLOT_SECONDS - now_seconds) + 1)


class Windows:
    """The windows of all keys and accounts, in bounded memory: who was seen longest ago is forgotten first."""

    def __init__(self, most_entries: int = MOST_ENTRIES) -> None:
        self.copy = token_hex(8)  # this process' name among the copies
        self._most_entries = most_entries
        self._entries = 0
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._changed: dict[str, Window] = {}
        self._unlimited: dict[str, int] = {}  # keys without a limit: when they were used
        self._told_unlimited: dict[str, int] = {}
        self._unfamiliar: dict[str, None] = {}

    def current(self, id_: str, now_slot: int) -> Window:
        """Return the window, without what has left it."""
        window = self._windows.get(id_)
        if window is None:
            window = self._windows[id_] = Window(id_)
        if not window.is_familiar and len(self._unfamiliar) < MOST_UNFAMILIAR:
            window.is_familiar = True
            self._unfamiliar[id_] = None
        if window.slots and window.slots[0].number < now_slot - SLOTS:
            self._expire(window, now_slot)
        return window

    def count(self, window: Window, now_seconds: float, amount: int, size_bytes: int = 0) -> None:
        """Count what is used here and now."""
        slot = self._slot(window, slot_at(now_seconds))
        slot.amount += amount
        slot.own_amount += amount
        window.amount += amount
        if size_bytes:
            slot.size_bytes += size_bytes
            slot.own_bytes += size_bytes
            window.size_bytes += size_bytes
        window.used_at = int(now_seconds)
        self._changed[window.id] = window

    def touch(self, key_id: str, now_seconds: float) -> None:
        """Note that a key without a limit is used."""
        self._unlimited[key_id] = int(now_seconds)

    def hear(self, copy: str, count: Count, now_slot: int) -> None:
        """Take over what another copy has counted; of what was heard before, the larger counts."""
        if copy == self.copy or not count.amount or not now_slot - SLOTS <= count.slot <= now_slot + 1:
            return
        window = self._windows.get(count.id)
        if window is None:
            window = self._windows[count.id] = Window(count.id)
        if window.heard is None:
            window.heard = {}
        key = (copy, count.slot)
        amount_before, bytes_before = window.heard.get(key, (0, 0))
        more, more_bytes = max(0, count.amount - amount_before), max(0, count.size_bytes - bytes_before)
        if not more and not more_bytes:
            return
        if not amount_before:
            self._entries += 1
        window.heard[key] = (amount_before + more, bytes_before + more_bytes)
        slot = self._slot(window, count.slot)
        slot.amount += more
        slot.size_bytes += more_bytes
        window.amount += more
        window.size_bytes += more_bytes

    def tell(self, most: int) -> list[Count]:
        """Return what the others do not know yet, at most so much; the rest comes next time."""
        counts: list[Count] = []
        changed = iter(self._changed.values())
        for window in changed:
            for slot in window.slots:
                if slot.own_amount != slot.told_amount:
                    counts.append(Count(window.id, slot.number, window.used_at, slot.own_amount, slot.own_bytes))
                    slot.told_amount = slot.own_amount
            if len(counts) >= most:
                break
        self._changed = {window.id: window for window in changed}
        while self._unlimited and len(counts) < most:
            key_id, used_at = self._unlimited.popitem()
            counts.append(Count(key_id, slot_at(used_at), used_at, 0))
            if len(self._told_unlimited) >= MOST_UNLIMITED:
                self._told_unlimited.clear()
            self._told_unlimited[key_id] = used_at
        return counts

    def tell_again(self) -> None:
        """Let everything be told once more: somebody has missed it, or has just begun to listen."""
        for window in self._windows.values():
            for slot in window.slots:
                if slot.own_amount:
                    slot.told_amount = 0
                    self._changed[window.id] = window
        self._unlimited = {**self._told_unlimited, **self._unlimited}

    def unfamiliar(self, most: int) -> list[str]:
        """Return ids that are used here for the first time; each is returned once."""
        return [self._unfamiliar.popitem()[0] for _ in range(min(most, len(self._unfamiliar)))]

    def forget_idle(self, now_slot: int) -> None:
        """Drop what has been idle for an hour."""
        for window in list(self._windows.values()):
            if window.slots and window.slots[-1].number < now_slot - SLOTS:
                self._drop(window)
            elif not window.slots:
                del self._windows[window.id]
        oldest = (now_slot - SLOTS) * SLOT_SECONDS
        self._told_unlimited = {key: used_at for key, used_at in self._told_unlimited.items() if used_at >= oldest}

    def _slot(self, window: Window, number: int) -> Slot:
        slots = window.slots
        if slots and slots[-1].number == number:
            return slots[-1]
        index = len(slots)
        while index and slots[index - 1].number >= number:
            index -= 1
        if index < len(slots) and slots[index].number == number:
            return slots[index]
        slot = Slot(number)
        slots.insert(index, slot)
        self._entries += 1
        self._windows.move_to_end(window.id)
        while self._entries > self._most_entries and len(self._windows) > 1:
            self._drop(next(iter(self._windows.values())))
        return slot

    def _expire(self, window: Window, now_slot: int) -> None:
        while window.slots and window.slots[0].number < now_slot - SLOTS:
            gone = window.slots.pop(0)
            window.amount -= gone.amount
            window.size_bytes -= gone.size_bytes
            self._entries -= 1
        if window.heard:
            kept = {key: told for key, told in window.heard.items() if key[1] >= now_slot - SLOTS}
            self._entries -= len(window.heard) - len(kept)
            window.heard = kept

    def _drop(self, window: Window) -> None:
        del self._windows[window.id]
        self._changed.pop(window.id, None)
        self._unfamiliar.pop(window.id, None)
        self._entries -= len(window.slots) + len(window.heard or ())
