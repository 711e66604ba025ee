"""How events are written and read, and whom they concern."""

import msgspec
import pytest
from tests.unit.assistants.builders import ACCOUNT, ALICE, BOB, KEY, ONE, assigned, created, opened

from patchbay.assistants import events
from patchbay.assistants.codec import (
    TAGS,
    decode_event,
    encode_event,
    subject_of,
    touched_assistants,
    type_of,
)
from patchbay.assistants.errors import MalformedEvent, UnknownEventType
from patchbay.assistants.events import (
    AssistantCreated,
    AssistantUpdated,
    Event,
    KeyIssued,
    KeyRevoked,
    NumberRegistered,
    NumberUpdated,
    StreamMended,
)
from patchbay.assistants.evolve import CONFIGURATION_FIELDS


def test_every_event_class_has_a_name_of_its_own() -> None:
    classes = {
        value
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, Event) and value is not Event
    }

    assert {tag.event for tag in TAGS.values()} == classes
    assert len(TAGS) == len(classes)


def test_only_what_changed_is_stored() -> None:
    name, dataschema, _, data = encode_event(AssistantUpdated(assistant_id=ALICE, name="New", first_message=None))

    assert (name, dataschema) == ("AssistantUpdated", "urn:patchbay:AssistantUpdated:1")
    assert msgspec.json.decode(data) == {"assistant_id": ALICE, "name": "New", "first_message": None}


def test_a_cleared_text_and_an_unchanged_one_come_back_as_such() -> None:
    event = AssistantUpdated(assistant_id=ALICE, first_message=None)
    name, dataschema, _, data = encode_event(event)

    again = decode_event(name, dataschema, data)

    assert isinstance(again, AssistantUpdated)
    assert again.first_message is None
    assert again.system_prompt is msgspec.UNSET


@pytest.mark.parametrize(
    ("event", "affects"),
    [
        (opened(), ("access",)),
        (KeyRevoked(key_id=KEY), ("access",)),
        (created(), ("configuration",)),
        (created(inbound_enabled=True), ("configuration", "routing")),
        (AssistantUpdated(assistant_id=ALICE, name="New"), ("configuration",)),
        (AssistantUpdated(assistant_id=ALICE, inbound_enabled=False), ("configuration", "routing")),
        (assigned(ALICE), ("configuration", "routing")),
        (NumberRegistered(number_id=ONE, phone_number="+1", account_id=ACCOUNT), ("configuration", "routing")),
        (NumberUpdated(number_id=ONE, fallback=None), ("configuration", "routing")),
        (StreamMended(stream=ACCOUNT, reason="forged"), ()),
    ],
)
def test_an_event_says_whom_it_concerns(event: Event, affects: tuple[str, ...]) -> None:
    assert encode_event(event)[2] == affects


def test_a_type_or_version_from_the_future_is_told_apart_from_damage() -> None:
    with pytest.raises(UnknownEventType) as unknown:
        decode_event("AssistantGreeted", "urn:patchbay:AssistantDeleted:1", b"{}")
    assert unknown.value.type_name == "AssistantGreeted"
    with pytest.raises(UnknownEventType):
        decode_event("KeyRevoked", "urn:patchbay:KeyRevoked:2", b'{"key_id": "k"}')
    with pytest.raises(UnknownEventType):
        decode_event("KeyRevoked", None, b'{"key_id": "k"}')


def test_a_member_from_the_future_is_passed_over() -> None:
    event = decode_event("KeyRevoked", "urn:patchbay:KeyRevoked:1", b'{"key_id": "k", "why": {"a": [1]}}')

    assert event == KeyRevoked(key_id="k")


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"{}", b'{"key_id": 1}', b'{"key_id": "\xff"}', b"{" * 100_000, b'{"x":' + b"[" * 100_000],
)
def test_damaged_data_is_one_error(data: bytes) -> None:
    with pytest.raises(MalformedEvent) as malformed:
        decode_event("KeyRevoked", "urn:patchbay:KeyRevoked:1", data)

    assert malformed.value.type_name == "KeyRevoked"


def test_the_subject_is_what_the_event_is_about() -> None:
    assert subject_of(opened()) == ACCOUNT
    assert subject_of(created()) == ALICE
    assert subject_of(assigned(BOB)) == BOB
    assert subject_of(NumberRegistered(number_id=ONE, phone_number="+1", account_id=ACCOUNT)) == ONE
    assert subject_of(KeyRevoked(key_id=KEY)) == KEY
    assert subject_of(StreamMended(stream=ACCOUNT, reason="forged")) == ACCOUNT
    assert type_of(created()) == "AssistantCreated"


def test_who_loses_a_number_is_touched_too() -> None:
    assert touched_assistants(created()) == (ALICE,)
    assert touched_assistants(AssistantUpdated(assistant_id=BOB)) == (BOB,)
    assert touched_assistants(assigned(ALICE, (ONE, 1), taken_from=(BOB,))) == (ALICE, BOB)
    assert touched_assistants(opened()) == ()


def test_no_secret_is_a_field_of_any_event() -> None:
    assert "secret" not in KeyIssued.__struct_fields__


def test_a_created_assistant_and_its_record_have_the_same_configuration() -> None:
    assert set(CONFIGURATION_FIELDS) <= set(AssistantCreated.__struct_fields__)
