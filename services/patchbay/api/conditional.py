"""If-Match and If-None-Match: which versions a client knows."""

import re

from multidict import CIMultiDictProxy

from patchbay.api.errors import InvalidRequest
from patchbay.assistants.errors import Issue

# RFC 9110, 8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t]*(?:{_TAG})?)*[ \t]*")
_ONE = re.compile(_TAG)
_VERSION = re.compile(r'"([1-9][0-9]{0,9})"')

HEADER_CHARACTERS = 8_000
NEVER = 0  # versions begin at 1


def field(headers: CIMultiDictProxy[str], name: str) -> str | None:
    """
    Return the field's value, its lines joined into one list; None without it.

    Source: RFC 9110, 5.3.
    """
    return ", ".join(headers.getall(name)) if name in headers else None


def etag_of(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


def parse_if_match(header: str | None) -> tuple[int, ...] | None:
    """
    Return the versions one of which must be current; () for `*`, None without the header.

    The comparison is strong: a weak tag, or one that no version of ours can have, matches nothing (version 0).

    Raises:
        InvalidRequest: The header is malformed.

    Source: RFC 9110, 13.1.1.
    """
    tags = _parse("If-Match", header)
    if tags is None or not tags:
        return tags if tags is None else ()
    versions = [int(match[1]) for tag in tags if (match := _VERSION.fullmatch(tag))]
    return tuple(dict.fromkeys(versions)) or (NEVER,)


def none_match(header: str | None, version: int) -> bool:
    """
    True if the client does not have this version, so that it is to be sent. The comparison is weak.

    Raises:
        InvalidRequest: The header is malformed.

    Source: RFC 9110, 13.1.2.
    """
    return none_match_tag(header, etag_of(version))


def none_match_tag(header: str | None, current: str) -> bool:
    """
    True if the client does not have what this entity tag stands for. The comparison is weak.

    Raises:
        InvalidRequest: The header is malformed.

    Source: RFC 9110, 13.1.2.
    """
    tags = _parse("If-None-Match", header)
    if tags is None:
        return True
    return bool(tags) and all(tag.removeprefix("W/") != current for tag in tags)


def _parse(name: str, header: str | None) -> tuple[str, ...] | None:
    if header is None:
        return None
    if header.strip(" \t") == "*":
        return ()
    if len(header) > HEADER_CHARACTERS or _LIST.fullmatch(header) is None:
        message = 'must be "*" or a list of entity tags such as "3", "4"'
        raise InvalidRequest([Issue(path=name, code="malformed", message=message)])
    return tuple(_ONE.findall(header))
