"""If-Match and If-None-Match as RFC 9110 has them."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from patchbay.api.conditional import NEVER, field, none_match, parse_if_match
from patchbay.api.errors import InvalidRequest


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        (None, None),
        ("*", ()),
        (" * ", ()),
        ('"3"', (3,)),
        ('"3", "5"', (3, 5)),
        ('"3","5"', (3, 5)),
        ('"3" ,\t"3"', (3,)),
        (', "3",, "4",', (3, 4)),
        ('W/"3"', (NEVER,)),
        ('W/"3", "4"', (4,)),
        ('"abc"', (NEVER,)),
        ('"03"', (NEVER,)),
        ('""', (NEVER,)),
        ('"0"', (NEVER,)),
        ('"a,b", "2"', (2,)),
        ('"99999999999999999999"', (NEVER,)),
    ],
)
def test_if_match_names_versions(header: str | None, versions: tuple[int, ...] | None) -> None:
    assert parse_if_match(header) == versions


@pytest.mark.parametrize("header", ["", "3", '"3', '3"', '"3" "4"', '*, "3"', 'w/"3"', '"a b"', "," * 9000, '"\x00"'])
def test_a_malformed_if_match_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_if_match(header)

    assert [issue.path for issue in refused.value.issues] == ["If-Match"]


@pytest.mark.parametrize(
    ("header", "is_sent"),
    [(None, True), ("*", False), ('"3"', False), ('W/"3"', False), ('"2", "3"', False), ('"2"', True), ('"x"', True)],
)
def test_if_none_match_compares_weakly(header: str | None, is_sent: bool) -> None:  # noqa: FBT001 - a case's outcome
    assert none_match(header, 3) is is_sent


def test_several_lines_of_a_field_are_one_list() -> None:
    headers = CIMultiDictProxy(CIMultiDict([("If-Match", '"1"'), ("if-match", '"2"')]))

    assert parse_if_match(field(headers, "If-Match")) == (1, 2)
    assert field(headers, "If-None-Match") is None
