"""Patchbay-Reason: what may stand in it, and how it is read."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from patchbay.api.errors import InvalidRequest
from patchbay.api.reasons import reason_of


def read(*values: str) -> str | None:
    return reason_of(CIMultiDictProxy(CIMultiDict([("patchbay-reason", value) for value in values])))


def test_without_the_header_there_is_none() -> None:
    assert read() is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("caller asked for it", "caller asked for it"),
        ("  blanks around  ", "blanks around"),
        ("100%25 sure", "100% sure"),
        ("gr%C3%BC%C3%9Fe", "grüße"),
        ("%f0%9f%93%9e", "📞"),
        ('"quoted", with; all=kinds', '"quoted", with; all=kinds'),
        ("x" * 200, "x" * 200),
        ("%F0%9F%93%9E" * 200, "📞" * 200),
    ],
)
def test_what_can_be_seen_is_a_reason(value: str, reason: str) -> None:
    assert read(value) == reason


@pytest.mark.parametrize(
    "value",
    [
        "",
        "   ",
        "%20",
        "100%",
        "%4",
        "%zz",
        "gr\xfc\xdfe",
        "gr\udcc3\udcbc\udc9f",
        "tab\there",
        "%0Aline",
        "%00",
        "%7F",
        "%E2%80%A8line separator",
        "%E2%80%AEright to left",
        "%C3",
        "%FF",
        "%ED%A0%80",
        "%C0%80",
        "x" * 201,
        "%F0%9F%93%9E" * 201,
        "y" * 100_000,
    ],
)
def test_all_else_is_malformed(value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(value)

    assert [(issue.path, issue.code) for issue in refused.value.issues] == [("Patchbay-Reason", "malformed")]


def test_two_of_them_are_malformed() -> None:
    with pytest.raises(InvalidRequest):
        read("one", "two")


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable() and text == text.strip()))
def test_every_printable_text_survives(text: str) -> None:
    assert read(quote(text)) == text
