"""Pages of lists."""

import pytest

from patchbay.api.errors import InvalidRequest
from patchbay.api.paging import Page, cut, parse_page


def test_a_list_has_fifty_rows_unless_asked_otherwise() -> None:
    assert parse_page({}) == Page(limit=50, after="", offset=0)
    assert parse_page({"limit": "200", "offset": "10000"}) == Page(limit=200, offset=10_000)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "١٢"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"offset": "10001"}, "offset"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": "AAAA"}, "cursor"),
        ({"cursor": "x" * 300}, "cursor"),
    ],
)
def test_a_value_out_of_its_range_is_refused(query: dict[str, str], path: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_page(query)

    assert [issue.path for issue in refused.value.issues] == [path]


def test_a_cursor_leads_on_where_the_page_ended() -> None:
    rows = ["a", "b", "c"]
    page, cursor = cut(rows, Page(limit=2), lambda row: row)

    assert page == ["a", "b"]
    assert cursor is not None
    assert parse_page({"cursor": cursor}).after == "b"


def test_the_last_page_has_no_cursor() -> None:
    assert cut(["a", "b"], Page(limit=2), lambda row: row) == (["a", "b"], None)


def test_a_cursor_does_not_go_with_an_offset() -> None:
    _, cursor = cut(["a", "b"], Page(limit=1), lambda row: row)

    with pytest.raises(InvalidRequest):
        parse_page({"cursor": cursor or "", "offset": "1"})
