"""What accounts were like a moment ago, so that most commands need no look at the database."""

from typing import Final

import msgspec
from msgspec.structs import replace

from patchbay.api.writing.outcomes import Position, Write
from patchbay.api.writing.snapshot import Loaded
from patchbay.assistants.commands import CreateAssistant, UpdateAssistant
from patchbay.assistants.events import AccountOpened, AssistantCreated, AssistantUpdated, Event
from patchbay.assistants.states import Account, Assistant
from patchbay.eventlog import Head

REMEMBERED_CHARACTERS = 16_000_000
ASSISTANTS = 8  # of one account
_ACCOUNT_CHARACTERS = 500
_ASSISTANT_CHARACTERS = 1_500
_NOWHERE: Final = Position(0, 0)


class _Remembered(msgspec.Struct, frozen=True):
    loaded: Loaded
    characters: int


class Memory:
    """
    The newest accepted head of accounts that were written to lately, with the assistants that were touched last.

    Only what had its verdict gets in, so a head is a base like a loaded one. It may be overtaken by another copy: what
    is decided on it then is void, as after any lost race, and is decided again on what the database shows. Whatever
    this copy hears of others' events makes it forget, and while it hears nothing it remembers nothing.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, _Remembered] = {}  # the one used last is the last
        self._characters = 0
        self._hears = False

    def hear(self, *, hears: bool) -> None:
        """Say whether others' events are heard of from now on; what may have been missed is forgotten."""
        self._hears = hears
        self._accounts.clear()
        self._characters = 0

    def recall(self, stream: str, writes: list[Write]) -> Loaded | None:
        """Return what the writes can be decided on, None if that is not all remembered."""
        remembered = self._accounts.pop(stream, None)
        if remembered is None:
            return None
        self._accounts[stream] = remembered
        state = remembered.loaded.state
        known = state.assistants if isinstance(state, Account) else {}
        for write in writes:
            match write.command:
                case CreateAssistant():
                    pass
                case UpdateAssistant(assistant_id=assistant_id) if assistant_id in known:
                    pass
                case _:
                    return None
        return remembered.loaded

    def learn(self, loaded: Loaded, stream: str) -> None:
        """Remember what the database showed."""
        state = loaded.state
        fits = loaded.head.stopped_by is None and not loaded.quarantined_in
        if fits and isinstance(state, Account) and state.slug is not None:
            known = self._accounts.get(stream)
            if known is None or known.loaded.head.height < loaded.head.height:
                self._keep(stream, loaded.head, _slim(state, _there(state)))

    def follow(self, stream: str, parent: str, head: Head, event: Event, state: object) -> None:
        """
        Remember an accepted event of this copy.

        Args:
            stream: Whose it is.
            parent: Digest of the event before it.
            head: The event as head.
            event: The event.
            state: What it was decided to lead to.
        """
        if not isinstance(state, Account) or state.slug is None:
            return
        before = self._accounts.get(stream)
        if before is not None and before.loaded.head.height >= head.height:
            return
        assistants: dict[str, Assistant] = {}
        if isinstance(event, AssistantCreated | AssistantUpdated | AccountOpened):
            if before is not None and before.loaded.head.digest == parent and isinstance(before.loaded.state, Account):
                assistants = _there(before.loaded.state)
            if not isinstance(event, AccountOpened) and (after := state.assistants.get(event.assistant_id)) is not None:
                assistants.pop(event.assistant_id, None)
                assistants[event.assistant_id] = after
        self._keep(stream, head, _slim(state, assistants))

    def forget(self, stream: str, unless: str | None = None) -> None:
        """Forget the account, unless its head has this digest."""
        remembered = self._accounts.get(stream)
        if remembered is not None and remembered.loaded.head.digest != unless:
            del self._accounts[stream]
            self._characters -= remembered.characters

    def _keep(self, stream: str, head: Head, state: Account) -> None:
        if not self._hears:
            return
        self.forget(stream)
        characters = _ACCOUNT_CHARACTERS + sum(map(_weigh, _there(state).values()))
        loaded = Loaded(
            head=head, state=state, commands={}, quarantined_in=frozenset(), position=_NOWHERE, remembered=True
        )
        self._accounts[stream] = _Remembered(loaded, characters)
        self._characters += characters
        while self._characters > REMEMBERED_CHARACTERS:
            self.forget(next(iter(self._accounts)))


def _there(account: Account) -> dict[str, Assistant]:
    return {key: assistant for key, assistant in account.assistants.items() if assistant is not None}


def _slim(account: Account, assistants: dict[str, Assistant]) -> Account:
    """Return the account without what other streams or other commands may change."""
    if len(assistants) > ASSISTANTS:
        assistants = dict(list(assistants.items())[-ASSISTANTS:])
    return replace(account, assistants=assistants, holders={}, numbers={}, keys={}, named={})


def _weigh(assistant: Assistant) -> int:
    return _ASSISTANT_CHARACTERS + len(assistant.system_prompt or "") + len(assistant.first_message or "")
