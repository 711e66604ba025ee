"""Every event comes back from its stored form as it was, and no bytes do harm."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from tests.property.assistants.strategies import any_event

from patchbay.assistants.codec import TAGS, decode_event, encode_event
from patchbay.assistants.errors import MalformedEvent, MalformedJson
from patchbay.assistants.events import Event
from patchbay.assistants.json_body import decode_object


@given(any_event)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    name, dataschema, _, data = encode_event(event)

    again = decode_event(name, dataschema, data)

    assert again == event
    assert type(again) is type(event)
    assert encode_event(again)[3] == data


@given(any_event)
def test_an_event_concerns_no_more_than_its_type_may(event: Event) -> None:
    name, _, affects, _ = encode_event(event)

    assert set(affects) <= set(TAGS[name].affects)
    assert list(affects) == sorted(affects)


@given(st.sampled_from(sorted(TAGS)), st.binary(max_size=200))
def test_any_bytes_are_an_event_or_one_error(name: str, data: bytes) -> None:
    with contextlib.suppress(MalformedEvent):
        decode_event(name, f"urn:patchbay:{name}:1", data)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_a_body_or_one_error(body: bytes) -> None:
    with contextlib.suppress(MalformedJson):
        assert isinstance(decode_object(body), dict)
