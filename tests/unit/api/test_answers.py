"""Answers, rendered from the event (or the idle command) and the state after it."""

import json

import pytest
from msgspec.structs import replace

from patchbay.api.answers import CannotTell, effect_of
from patchbay.api.writing.outcomes import Position, State, Written
from patchbay.assistants.commands import (
    AssignNumbers,
    IssueKey,
    OpenAccount,
    RegisterNumber,
    ReleaseNumber,
    RevokeKey,
    UpdateAssistant,
)
from patchbay.assistants.events import (
    AccountOpened,
    AssignedNumber,
    AssistantCreated,
    AssistantUpdated,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberReleased,
    NumbersAssigned,
    NumberUpdated,
)
from patchbay.assistants.evolve import evolve_account, evolve_number
from patchbay.assistants.states import Account, Number, Operators

TIME = "2026-02-18T14:22:31.114207Z"
ACCOUNT = Account(id="acct_1", slug="my-team", name="My team", created_at=TIME)
CREATED = AssistantCreated(
    assistant_id="asst_1",
    account_id="acct_1",
    name="Sales Agent",
    type="custom",
    provider="openai",
    model="a-model",
    temperature=0.7,
    max_tokens=1024,
    first_message=None,
    system_prompt="Hi {{contact.first_name}}",
    voice_provider="cartesia",
    voice_model="sonic-3.5",
    voice_id=None,
    voice_name="Katie",
    transcriptor_provider="deepgram",
    transcriptor_model="nova-3",
    transcriptor_language="en-US",
    recording_enabled=False,
    inbound_enabled=False,
    outbound_enabled=True,
)
KEY = KeyIssued(
    key_id="key_1",
    account_id="acct_1",
    name="CI",
    secret_sha256="00" * 32,
    hint="tk_live_abcd",
    scopes=("*",),
    requests_per_hour=1000,
)


def written(event: Event | None, state: State, *, replayed: bool = False) -> Written:
    return Written(event=event, state=state, height=2, position=Position(0, 3), time=TIME, replayed=replayed)


def folded(*events: Event) -> Account:
    account = ACCOUNT
    for height, event in enumerate(events, start=2):
        account = evolve_account(account, event, height=height, time=TIME)
    return account


def body_of(event: Event | None, state: State, **more: object) -> dict[str, object]:
    body: dict[str, object] = json.loads(effect_of(written(event, state), **more).body)  # type: ignore[arg-type]
    assert body.pop("success") is True
    return body


def test_a_created_assistant_is_shown_whole() -> None:
    effect = effect_of(written(CREATED, folded(CREATED)))
    assistant = json.loads(effect.body)["assistant"]

    assert effect.version == 1
    assert list(assistant)[:4] == ["id", "account_id", "name", "type"]
    assert (assistant["version"], assistant["created_at"], assistant["phone_number_ids"]) == (1, TIME, [])
    assert "warnings" not in json.loads(effect.body)


def test_a_malformed_variable_is_reported() -> None:
    update = AssistantUpdated(assistant_id="asst_1", system_prompt="Hi {{contact.first name}}")
    body = body_of(update, folded(CREATED, update))

    assert [warning["path"] for warning in body["warnings"]] == ["system_prompt"]  # type: ignore[attr-defined]


def test_a_retiring_model_is_told_by_every_change_that_leaves_it() -> None:
    """Also by one of something else, and by one that changes nothing."""
    created = replace(CREATED, provider="openai", model="gpt-5")
    update = AssistantUpdated(assistant_id="asst_1", name="Other")
    body = body_of(update, folded(created, update))
    idle = body_of(None, folded(created), command=UpdateAssistant(assistant_id="asst_1", changes=update))

    for warnings in (body["warnings"], idle["warnings"], body_of(created, folded(created))["warnings"]):
        assert [(warning["path"], warning["code"]) for warning in warnings] == [("model", "retiring_model")]  # type: ignore[attr-defined]


def test_an_assignment_is_shown_with_its_numbers() -> None:
    assigned = NumbersAssigned(assistant_id="asst_1", numbers=(AssignedNumber(number_id="pn_1", registration=1),))
    body = body_of(assigned, folded(CREATED, assigned))

    assert body["phoneNumberIds"] == ["pn_1"]
    assert body["message"] == "The assistant has 1 phone number."
    assert body["assistant"]["version"] == 2  # type: ignore[index]


def test_a_registered_number_is_nobody_s_yet() -> None:
    event = NumberRegistered(number_id="pn_1", phone_number="+4930123456", account_id="acct_1")
    number = evolve_number(Number(id="pn_1"), event, height=1, time=TIME)

    assert body_of(event, number) == {
        "phone_number": {
            "id": "pn_1",
            "account_id": "acct_1",
            "phone_number": "+4930123456",
            "status": "active",
            "fallback": None,
            "assistant_id": None,
            "created_at": TIME,
            "updated_at": TIME,
        }
    }


def test_a_changed_number_is_shown_as_the_change_left_it() -> None:
    registered = NumberRegistered(number_id="pn_1", phone_number="+4930123456", account_id="acct_1")
    number = evolve_number(Number(id="pn_1"), registered, height=1, time=TIME)
    event = NumberUpdated(number_id="pn_1", fallback="+4930999", status="suspended")

    assert body_of(event, evolve_number(number, event, height=2, time=TIME)) == {
        "phone_number": {
            "id": "pn_1",
            "account_id": "acct_1",
            "phone_number": "+4930123456",
            "status": "suspended",
            "fallback": "+4930999",
            "assistant_id": None,
            "created_at": TIME,
            "updated_at": TIME,
        }
    }


def test_a_released_number_is_named() -> None:
    event = NumberReleased(number_id="pn_1", account_id="acct_1")

    assert body_of(event, Number(id="pn_1"))["id"] == "pn_1"


def test_an_opened_account_is_shown() -> None:
    event = AccountOpened(account_id="acct_1", slug="my-team", name="My team")

    assert body_of(event, ACCOUNT) == {
        "account": {"id": "acct_1", "slug": "my-team", "name": "My team", "created_at": TIME}
    }


def test_a_secret_is_shown_only_to_the_request_that_made_it() -> None:
    first = body_of(KEY, folded(KEY), secret="tk_live_abcdefgh")
    again = body_of(KEY, folded(KEY))

    assert first["key"].pop("secret") == "tk_live_abcdefgh"  # type: ignore[attr-defined]
    assert first == again
    assert "secret_sha256" not in again["key"]  # type: ignore[operator]


def test_a_revoked_key_is_named_with_its_time() -> None:
    event = KeyRevoked(key_id="key_1")

    assert body_of(event, folded(KEY, event))["key"] == {"id": "key_1", "revoked_at": TIME}


@pytest.mark.parametrize("event", [CREATED, KEY, AccountOpened(account_id="acct_1", slug="my-team", name="My team")])
def test_a_repetition_gives_the_same_bytes(event: Event) -> None:
    state = folded(event)

    assert effect_of(written(event, state)) == effect_of(written(event, state, replayed=True))


def test_an_idle_command_is_answered_from_the_state() -> None:
    state = folded(CREATED, KEY, KeyRevoked(key_id="key_1"))
    update = UpdateAssistant(assistant_id="asst_1", changes=AssistantUpdated(assistant_id="asst_1", name="Sales Agent"))
    assign = AssignNumbers(assistant_id="asst_1", number_ids=())
    open_ = OpenAccount(account_id="acct_1", slug="my-team", name="My team")

    assert body_of(None, state, command=update)["assistant"]["version"] == 1  # type: ignore[index]
    assert body_of(None, state, command=assign)["phoneNumberIds"] == []
    assert body_of(None, state, command=open_)["account"]["created_at"] == TIME  # type: ignore[index]
    assert body_of(None, state, command=RevokeKey(key_id="key_1"))["key"]["revoked_at"] == TIME  # type: ignore[index]


def test_a_release_that_another_one_overtook_reads_as_that_one() -> None:
    """Whoever asks for what somebody else has done meanwhile gets what he asked for."""
    idle = body_of(None, Number(id="pn_1"), command=ReleaseNumber(number_id="pn_1", account_id="acct_1"))

    assert idle == body_of(NumberReleased(number_id="pn_1", account_id="acct_1"), Number(id="pn_1"))


def test_what_has_no_answer_says_so() -> None:
    issue = IssueKey(
        key_id="key_1",
        account_id=None,
        name="x",
        secret_sha256="00" * 32,
        hint="x",
        scopes=("*",),
        expires_at=None,
        requests_per_hour=None,
    )
    register = RegisterNumber(number_id="pn_1", phone_number="+4930123456", account_id="acct_1")

    with pytest.raises(CannotTell):
        effect_of(written(None, Operators()), issue)
    with pytest.raises(CannotTell):
        effect_of(written(None, ACCOUNT), register)
    with pytest.raises(CannotTell):
        effect_of(written(None, ACCOUNT))
