"""How much an account may write in an hour, so that one tenant cannot bloat the log for all."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from patchbay.api.authorization import Principal
from patchbay.api.errors import TooManyWrites
from patchbay.api.limits.windows import Windows
from patchbay.api.writing.outcomes import Contended, Unsettled, Written
from patchbay.assistants.codec import encode_event
from patchbay.process import FromText
from patchbay.usage import slot_at

ENVELOPE_BYTES: Final = 1_200  # of a record, beside its event


_OF_ACCOUNT: Final = re.compile(r"\s*([a-z0-9-]{3,40})=([0-9]{1,18})/([0-9]{1,18})\s*")


class AccountExceptions(FromText):
    """Accounts with limits of their own: `slug=writes/bytes`, with commas between."""

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._limits: dict[str, tuple[int, int]] = {}
        for part in text.split(",") if text.strip() else ():
            found = _OF_ACCOUNT.fullmatch(part)
            if found is None:
                raise ValueError(f"{part.strip()!r} is not like `slug=writes/bytes`")
            self._limits[found[1]] = (int(found[2]), int(found[3]))

    def __repr__(self) -> str:
        return self._text

    def of(self, slug: str | None) -> tuple[int, int] | None:
        """Return the limits of this account; None: it has none of its own."""
        return self._limits.get(slug or "")


class AccountLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What each account may write in an hour. 0 = as much as it likes."""

    writes_per_hour: int
    bytes_per_hour: int
    exceptions: AccountExceptions | None = None


class Reservation:
    """A write that is under way."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes  # at most, until more is known
        self.is_charged = False

    def charge(self, written: Written) -> None:
        """Count what was appended: nothing, if nothing had to change, or an earlier request did it."""
        if written.event is not None and not written.replayed:
            self.size_bytes = ENVELOPE_BYTES + len(encode_event(written.event)[3])
            self.is_charged = True


class WriteLimits:
    """
    A sliding window of an hour for each account: its writes and their bytes, as they were appended.

    What is refused, changes nothing or repeats does not count; what may still land does. Operators have no limit.
    """

    def __init__(self, windows: Windows, limits: AccountLimits) -> None:
        self._windows = windows
        self._limits = limits
        self._under_way: dict[str, tuple[int, int]] = {}  # writes and their bytes, by account

    def apply_to(self, principal: Principal) -> bool:
        """True if whose key this is may not write as much as it likes."""
        return principal.account_id is not None and any(self._limits_of(principal))

    @contextmanager
    def reserve(self, principal: Principal, body_bytes: int, now_seconds: float) -> Iterator[Reservation]:
        """
        Let a write begin, and count it at the end of the block if it was appended or may have been.

        Raises:
            TooManyWrites: The account's writes of the hour are used up.
        """
        reservation = Reservation(ENVELOPE_BYTES + body_bytes)
        account_id = principal.account_id or ""
        self._demand(account_id, principal, reservation.size_bytes, now_seconds)
        estimate = reservation.size_bytes
        self._move(account_id, 1, estimate)
        try:
            yield reservation
        except (Unsettled, Contended):  # a contended one has appended what others' writes made void
            reservation.is_charged = True
            raise
        finally:
            self._move(account_id, -1, -estimate)
            if reservation.is_charged:
                window = self._windows.current(account_id, slot_at(now_seconds))
                self._windows.count(window, now_seconds, 1, reservation.size_bytes)

    def _demand(self, account_id: str, principal: Principal, size_bytes: int, now_seconds: float) -> None:
        writes, at_most_bytes = self._limits_of(principal)
        window = self._windows.current(account_id, slot_at(now_seconds))
        begun, begun_bytes = self._under_way.get(account_id, (0, 0))
        if writes and window.amount + begun >= writes:
            raise TooManyWrites(f"{writes} times", window.seconds_until_back(now_seconds))
        # One that is larger than what is left must wait, unless nothing was written at all.
        used_bytes = window.size_bytes + begun_bytes
        if at_most_bytes and used_bytes and used_bytes + size_bytes > at_most_bytes:
            raise TooManyWrites(f"{at_most_bytes} bytes", window.seconds_until_back(now_seconds))

    def _limits_of(self, principal: Principal) -> tuple[int, int]:
        limits = self._limits
        own = None if limits.exceptions is None else limits.exceptions.of(principal.account_slug)
        return (limits.writes_per_hour, limits.bytes_per_hour) if own is None else own

    def _move(self, account_id: str, writes: int, size_bytes: int) -> None:
        begun, begun_bytes = self._under_way.get(account_id, (0, 0))
        if begun + writes:
            self._under_way[account_id] = (begun + writes, begun_bytes + size_bytes)
        else:
            self._under_way.pop(account_id, None)
