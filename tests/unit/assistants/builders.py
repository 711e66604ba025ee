"""Values to begin a test with: an opened account, an assistant, numbers, and the fold of a list of events."""

from collections.abc import Iterable
from typing import Any

from patchbay.assistants import ids
from patchbay.assistants.commands import Command
from patchbay.assistants.decide import decide_account
from patchbay.assistants.events import (
    AccountOpened,
    AssignedNumber,
    AssistantCreated,
    Event,
    NumbersAssigned,
)
from patchbay.assistants.evolve import evolve_account
from patchbay.assistants.states import Account, Assistant, OwnedNumber

LOG = "ab" * 32
ACCOUNT = ids.account_id(LOG, "my-team")
OTHER_ACCOUNT = ids.account_id(LOG, "other-team")
ALICE = "asst_01jm0000000000000000000001"
BOB = "asst_01jm0000000000000000000002"
CAROL = "asst_01jm0000000000000000000003"
ONE = ids.number_id(LOG, "+14155550101")
TWO = ids.number_id(LOG, "+14155550102")
THREE = ids.number_id(LOG, "+14155550103")
KEY = "key_01jm0000000000000000000001"


def time_at(height: int) -> str:
    return f"2026-02-18T14:22:31.{height:06d}Z"


def opened() -> AccountOpened:
    return AccountOpened(account_id=ACCOUNT, slug="my-team", name="My Team")


def created(assistant_id: str = ALICE, **fields: Any) -> AssistantCreated:
    configuration: dict[str, Any] = {
        "name": f"Assistant {assistant_id[-1]}",
        "type": "custom",
        "provider": "openai",
        "model": "gpt-6-luna",
        "temperature": 0.7,
        "max_tokens": 1024,
        "first_message": "Hello",
        "system_prompt": "You are helpful.",
        "voice_provider": "cartesia",
        "voice_model": "sonic-3.5",
        "voice_id": "f786b574-daa5-4673-aa0c-cbe3e8534c02",
        "voice_name": "Katie",
        "transcriptor_provider": "deepgram",
        "transcriptor_model": "nova-3",
        "transcriptor_language": "en-US",
        "recording_enabled": False,
        "inbound_enabled": False,
        "outbound_enabled": False,
        **fields,
    }
    return AssistantCreated(assistant_id=assistant_id, account_id=ACCOUNT, **configuration)


def assigned(assistant_id: str, *numbers: tuple[str, int], taken_from: tuple[str, ...] = ()) -> NumbersAssigned:
    return NumbersAssigned(
        assistant_id=assistant_id,
        numbers=tuple(AssignedNumber(number_id=number_id, registration=at) for number_id, at in numbers),
        taken_from=taken_from,
    )


def owned(number_id: str, registration: int = 1) -> OwnedNumber:
    return OwnedNumber(id=number_id, phone_number="+14155550100", registration=registration, status="active")


def account(*events: Event, numbers: Iterable[OwnedNumber] = ()) -> Account:
    """Return the account after its opening and `events`, all of it loaded; only `numbers` are owned."""
    state = Account(
        id=ACCOUNT,
        assistants=dict.fromkeys((ALICE, BOB, CAROL)),
        holders=dict.fromkeys((ONE, TWO, THREE)),
        numbers={**dict.fromkeys((ONE, TWO, THREE)), **{number.id: number for number in numbers}},
        keys={KEY: None},
    )
    return fold(state, (opened(), *events))


def fold(state: Account, events: Iterable[Event], first_height: int = 1) -> Account:
    for height, event in enumerate(events, first_height):
        state = evolve_account(state, event, height=height, time=time_at(height))
    return state


def after(state: Account, command: Command, height: int = 100) -> Account:
    """Return `state` after whatever `command` leads to."""
    event = decide_account(command, state)
    return state if event is None else evolve_account(state, event, height=height, time=time_at(height))


def assistant(state: Account, assistant_id: str = ALICE) -> Assistant:
    found = state.assistants[assistant_id]
    assert found is not None
    return found
