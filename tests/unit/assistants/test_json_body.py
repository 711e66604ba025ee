"""Which bytes are a request body."""

import pytest

from patchbay.assistants.errors import MalformedJson
from patchbay.assistants.json_body import decode_object, shown


def test_an_object_is_decoded() -> None:
    assert decode_object('{"a": [1, 2.5, "ä", null, true, {"b": {}}]}'.encode()) == {
        "a": [1, 2.5, "ä", None, True, {"b": {}}]
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"not json", "malformed_json"),
        (b'{"a": 1} x', "malformed_json"),
        (b"{'a': 1}", "malformed_json"),
        (b'{"a": 1,}', "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": -Infinity}', "malformed_json"),
        (b'{"a": "\x01"}', "malformed_json"),
        (b'{"a": "\x00"}', "malformed_json"),
        (b'{"a": "\xff"}', "malformed_json"),
        (b'{"a": "\xed\xa0\x80"}', "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        ('{"a": 1}'.encode("utf-16"), "malformed_json"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "malformed_json"),
        (b"[]", "not_an_object"),
        (b'"a"', "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"a": 1, "a": 1}', "duplicate_member"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "duplicate_member"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_member"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 50_000, "too_deep"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "too_deep"),
    ],
)
def test_anything_else_is_malformed(body: bytes, code: str) -> None:
    with pytest.raises(MalformedJson) as malformed:
        decode_object(body)

    assert malformed.value.code == code
    assert malformed.value.sentence.endswith(".")


def test_a_name_of_a_client_is_shown_short_and_encodable() -> None:
    assert shown("ä" * 1_000) == "ä" * 100
    assert shown("\ud800").encode() == b"\\ud800"
    with pytest.raises(MalformedJson) as malformed:
        decode_object(b'{"\\ud800": 1, "\\ud800": 2}')
    assert malformed.value.sentence.encode()
