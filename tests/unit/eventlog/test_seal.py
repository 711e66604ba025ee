"""What is sealed is what readers take for an event; what they would not take is not sealed."""

from typing import Any

import msgspec
import pytest

from patchbay.eventlog import (
    Base,
    Envelope,
    Head,
    LogIdentity,
    NewEvent,
    SealedRecord,
    StoredRecord,
    read_envelope,
    seal,
)

IDENTITY = LogIdentity("5f" * 32, "events", 4)
PARENT = Head(7, "07" * 32, "2026-02-18T14:22:30.000000Z")
EVENT = NewEvent(type="NoteAdded", source="/notes", data=b"{}", dataschema="urn:example:NoteAdded:1", actor="me")


def sealed(event: NewEvent = EVENT, **changes: Any) -> SealedRecord:
    place = {"stream": "note_a", "parent": PARENT, "base": PARENT, "time": "2026-02-18T14:22:31.114207Z"}
    return seal(event, **{**place, "event_id": "e1", **changes})


def read(record: SealedRecord) -> Envelope:
    partition = IDENTITY.partition_of(record.stream)
    envelope = read_envelope(StoredRecord(partition, 9, 0, record.key, record.value, tuple(record.headers)), IDENTITY)
    assert isinstance(envelope, Envelope)
    return envelope


def test_every_field_is_read_as_it_was_sealed() -> None:
    event = NewEvent(
        type="NoteAdded",
        source="/notes",
        subject="№ 1",
        data=b'{"a":1}',
        dataschema="urn:example:NoteAdded:1",
        actor="me",
        command_id="c1" * 32,
        request_digest="d1" * 32,
        affects=("routing", "configuration"),
        mends="e1" * 32,
        reason="forged",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    envelope = read(sealed(event, base=Base(5, "05" * 32)))

    assert (envelope.stream, envelope.height, envelope.predecessor) == ("note_a", 8, "07" * 32)
    assert envelope.base == Base(5, "05" * 32)
    assert (envelope.subject, envelope.reason, envelope.mends) == ("№ 1", "forged", "e1" * 32)
    assert (envelope.command_id, envelope.request_digest) == ("c1" * 32, "d1" * 32)
    assert envelope.affects == ("configuration", "routing")
    assert (envelope.traceparent, envelope.value) == (event.traceparent, event.data)


def test_a_base_that_is_the_parent_is_left_out_and_implied() -> None:
    record = sealed(base=PARENT.as_base())

    assert "ce_base" not in dict(record.headers)
    assert read(record).base == Base(7, "07" * 32)


def test_a_base_at_the_parents_height_with_another_digest_is_named() -> None:
    assert read(sealed(base=Base(7, "70" * 32))).base == Base(7, "70" * 32)


def test_the_next_event_is_chained_on_a_sealed_one() -> None:
    first = sealed()
    second = sealed(parent=first.as_head())

    assert (second.height, read(second).predecessor) == (9, first.digest)


def test_the_size_is_what_the_log_will_hold_within_a_few_bytes() -> None:
    record = sealed(msgspec.structs.replace(EVENT, data=b"x" * 1000))
    content = len(record.key) + len(record.value) + sum(len(name) + len(value) for name, value in record.headers)

    assert content <= record.size_bytes <= content + 300


@pytest.mark.parametrize(
    "place",
    [
        {"stream": "note a"},
        {"stream": ""},
        {"stream": "manifest"},
        {"stream": "n" * 129},
        {"time": "2026-02-18T14:22:31Z"},
        {"time": "2026-02-18T14:22:31.114207+00:00"},
        {"base": Base(8, "08" * 32)},
        {"base": Base(5, "no digest")},
        {"parent": Head(7, "0A" * 32)},
        {"event_id": ""},
    ],
)
def test_a_place_that_readers_would_not_take_is_refused(place: Any) -> None:
    with pytest.raises(ValueError, match=r"^."):
        sealed(**place)


@pytest.mark.parametrize(
    "field",
    [
        {"type": ""},
        {"type": "Note\nAdded"},
        {"subject": "a\x00b"},
        {"subject": ""},
        {"actor": "\ud800"},
        {"command_id": "c1"},
        {"request_digest": "D1" * 32},
        {"affects": ("Routing",)},
        {"mends": "x" * 64},
    ],
)
def test_a_field_that_readers_would_not_take_is_refused(field: Any) -> None:
    with pytest.raises(ValueError, match=r"^."):
        sealed(msgspec.structs.replace(EVENT, **field))
