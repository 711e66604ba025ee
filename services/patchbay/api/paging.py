"""`limit`, `cursor` and `offset` of a list."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from patchbay.api.errors import InvalidRequest
from patchbay.assistants.errors import Issue

Row = TypeVar("Row")

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LARGEST_OFFSET = 10_000
PARAMETERS = frozenset({"limit", "cursor", "offset"})

_NUMBER = re.compile(r"[0-9]{1,9}")
_CURSOR_CHARACTERS = 200
_MALFORMED_CURSOR = Issue(path="cursor", code="malformed", message="is not a next_cursor that was given out here")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for."""

    limit: int = DEFAULT_LIMIT
    after: str = ""  # the id that the part begins behind
    offset: int = 0


def parse_page(query: Mapping[str, str]) -> Page:
    """
    Return the page that the query asks for.

    Raises:
        InvalidRequest: A value out of its range, a cursor that is not ours, or both cursor and offset.
    """
    issues: list[Issue] = []
    limit, offset = parse_bounds(query, issues)
    after = _read_cursor(query["cursor"], issues) if "cursor" in query else ""
    if issues:
        raise InvalidRequest(issues)
    return Page(limit=limit, after=after, offset=offset)


def parse_bounds(query: Mapping[str, str], issues: list[Issue]) -> tuple[int, int]:
    """Return `limit` and `offset`; what is wrong with them, `cursor` beside `offset` too, is appended to `issues`."""
    limit = _number(query, "limit", DEFAULT_LIMIT, (1, LARGEST_LIMIT), issues)
    offset = _number(query, "offset", 0, (0, LARGEST_OFFSET), issues)
    if "cursor" in query and "offset" in query:
        issues.append(Issue(path="offset", code="not_with_cursor", message="cannot be given with cursor"))
    return limit, offset


def cut(rows: Sequence[Row], page: Page, id_of: Callable[[Row], str]) -> tuple[Sequence[Row], str | None]:
    """Return the page's rows and the cursor of the next one, given one row more than the limit where there is one."""
    if len(rows) <= page.limit:
        return rows, None
    shown = rows[: page.limit]
    return shown, _write_cursor(id_of(shown[-1]))


def malformed_cursor() -> InvalidRequest:
    """Return the error for a cursor that is well written, and yet none of this list."""
    return InvalidRequest([_MALFORMED_CURSOR])


def _number(query: Mapping[str, str], name: str, default: int, between: tuple[int, int], issues: list[Issue]) -> int:
    least, most = between
    text = query.get(name)
    if text is None:
        return default
    if _NUMBER.fullmatch(text) and least <= int(text) <= most:
        return int(text)
    issues.append(Issue(path=name, code="out_of_range", message=f"must be a whole number from {least} to {most}"))
    return default


def _write_cursor(after: str) -> str:
    return urlsafe_b64encode(after.encode()).rstrip(b"=").decode("ascii")


def _read_cursor(text: str, issues: list[Issue]) -> str:
    try:
        if 0 < len(text) <= _CURSOR_CHARACTERS and text.isascii():
            after = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
            if after.isprintable() and _write_cursor(after) == text:
                return after
    except (binascii.Error, ValueError):
        pass
    issues.append(_MALFORMED_CURSOR)
    return ""
