"""How an event is told: as a CloudEvent on one line, to the account that it belongs to, without what is secret."""

import json

import msgspec
import pytest

from patchbay.api.feed.rendering import owner_of, render
from patchbay.api.reading.events import AcceptedEvent

HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "0198",
    "ce_type": "AssistantUpdated",
    "ce_source": "/accounts/acct_1",
    "ce_subject": "asst_1",
    "ce_time": "2026-02-18T14:22:31.114207Z",
    "ce_sequence": "00000000000000000007",
    "ce_partitionkey": "acct_1",
    "ce_predecessor": "aa" * 32,
    "ce_digest": "bb" * 32,
    "ce_dataschema": "urn:patchbay:AssistantUpdated:1",
    "ce_actor": "key_1",
    "ce_commandid": "cc" * 32,
    "ce_requestdigest": "dd" * 32,
    "ce_affects": "configuration",
    "content-type": "application/json",
}


def event_of(value: bytes, type_: str = "AssistantUpdated", stream: str = "acct_1", **facts: object) -> AcceptedEvent:
    headers = msgspec.msgpack.encode([(name, content.encode()) for name, content in HEADERS.items()])
    made = AcceptedEvent(0, 9, stream, 7, type_, headers, value)
    return msgspec.structs.replace(made, **facts)


def data_line_of(lines: bytes) -> str:
    event, data, *empty = lines.decode().split("\n")
    assert event.startswith("event: ")
    assert empty == ["", ""]
    return data.removeprefix("data: ")


def test_an_event_is_a_cloudevent_on_one_line() -> None:
    lines = render(event_of(b'{"assistant_id":"asst_1","temperature":0.70}'))

    assert lines.startswith(b"event: AssistantUpdated\n")
    assert b'"temperature":0.70' in lines  # as it is stored
    assert json.loads(data_line_of(lines)) == {
        "specversion": "1.0",
        "id": "0198",
        "source": "/accounts/acct_1",
        "type": "AssistantUpdated",
        "subject": "asst_1",
        "time": "2026-02-18T14:22:31.114207Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:patchbay:AssistantUpdated:1",
        "sequence": "00000000000000000007",
        "partitionkey": "acct_1",
        "digest": "bb" * 32,
        "actor": "key_1",
        "affects": "configuration",
        "data": {"assistant_id": "asst_1", "temperature": 0.7},
    }


@pytest.mark.parametrize("name", ["secret_sha256", "secret", "Secret_of_tomorrow", r"secret\u005fsha256"])
def test_nothing_secret_is_told_of_any_type(name: str) -> None:
    told = json.loads(data_line_of(render(event_of(f'{{"key_id":"key_1","{name}":"x"}}'.encode(), "KeyIssued"))))

    assert told["data"] == {"key_id": "key_1"}


@pytest.mark.parametrize("value", [b'{"a":\n1,\r\n"b":[2,\n3]}', b'{\n"a":1,"b":[2,3]}\n'])
def test_json_with_line_ends_is_told_on_one_line(value: bytes) -> None:
    told = json.loads(data_line_of(render(event_of(value))))

    assert told["data"] == {"a": 1, "b": [2, 3]}


@pytest.mark.parametrize("value", [b"", b"nonsense", b"[1]", b'"text"', b'{"a":}', b'{"a":"\xff"}', b'{"secret":1'])
def test_what_is_no_json_object_is_told_without_data(value: bytes) -> None:
    told = json.loads(data_line_of(render(event_of(value))))

    assert "data" not in told
    assert "datacontenttype" not in told
    assert told["id"] == "0198"


def registered(account: str) -> bytes:
    return json.dumps({"number_id": "pn_1", "phone_number": "+1", "account_id": account}).encode()


@pytest.mark.parametrize(
    ("stream", "owner", "expected"),
    [
        ("acct_1", (None, None, None), "acct_1"),
        ("oper_1", (None, None, None), None),
        ("pn_1", ("NumberRegistered", 7, registered("acct_1")), "acct_1"),
        ("pn_1", ("NumberRegistered", 3, registered("acct_1")), "acct_1"),
        ("pn_1", ("NumberReleased", 7, registered("acct_1")), "acct_1"),
        ("pn_1", ("NumberReleased", 6, registered("acct_1")), None),
        ("pn_1", (None, None, None), None),
        ("pn_1", ("NumberRegistered", 3, b"nonsense"), None),
    ],
)
def test_a_number_s_event_is_its_owner_s(
    stream: str, owner: tuple[str | None, int | None, bytes | None], expected: str | None
) -> None:
    """From the registration to the release, both included."""
    type_, height, value = owner
    event = event_of(b"{}", stream=stream, owner_type=type_, owner_height=height, owner_value=value)

    assert owner_of(event) == expected
