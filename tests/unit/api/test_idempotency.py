"""Idempotency-Key: its syntax, and which requests are the same."""

import pytest

from patchbay.api.errors import InvalidRequest
from patchbay.api.idempotency import command_id, derived_command_id, parse_idempotency_key, request_digest


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ("abc", "abc"),
        (" abc ", "abc"),
        ('"abc"', "abc"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("x" * 255, "x" * 255),
        ('"' + "x" * 255 + '"', "x" * 255),
    ],
)
def test_a_key_is_quoted_or_bare(header: str | None, key: str | None) -> None:
    assert parse_idempotency_key(header) == key


@pytest.mark.parametrize("header", ["", '""', '"', '"abc', "ab cd", '"a b"', "x" * 256, "schlüssel", "a\tb", r'"a\b"'])
def test_a_malformed_key_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_idempotency_key(header)

    assert [issue.path for issue in refused.value.issues] == ["Idempotency-Key"]


def test_the_same_account_and_key_are_the_same_command_everywhere() -> None:
    assert command_id("acct_1", "k") == command_id("acct_1", "k")
    assert len({command_id("acct_1", "k"), command_id("acct_2", "k"), command_id("acct_1", "l")}) == 3


def test_without_a_key_each_request_is_a_command_of_its_own() -> None:
    assert command_id("acct_1", None) != command_id("acct_1", None)


def test_a_derived_command_follows_from_the_first() -> None:
    first = command_id("acct_1", "k")

    assert derived_command_id(first, "release") == derived_command_id(first, "release")
    assert derived_command_id(first, "release") not in (first, derived_command_id(first, "other"))


def test_the_order_of_members_does_not_make_another_request() -> None:
    one = request_digest("POST", "/x", {"a": 1, "b": {"c": None, "d": [1, 2]}})

    assert one == request_digest("POST", "/x", {"b": {"d": [1, 2], "c": None}, "a": 1})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/x", {"a": 1}),
        ("POST", "/y", {"a": 1}),
        ("POST", "/x", {"a": 2}),
        ("POST", "/x", {"a": "1"}),
        ("POST", "/x", {}),
        ("POST", "/x", None),
    ],
)
def test_another_method_path_or_value_makes_another_request(method: str, path: str, body: object) -> None:
    assert request_digest(method, path, body) != request_digest("POST", "/x", {"a": 1})
