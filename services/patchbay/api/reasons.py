"""Patchbay-Reason: why somebody makes a change, in their own words; it goes into the event."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from multidict import CIMultiDictProxy

from patchbay.api.errors import InvalidRequest
from patchbay.assistants.errors import Issue

HEADER: Final = "Patchbay-Reason"
REASON_CHARACTERS: Final = 200

_ENCODED_CHARACTERS: Final = REASON_CHARACTERS * 12  # each of them four bytes, each of these three characters
_ENCODED: Final = re.compile(r"(?:[\x20-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})*")


def reason_of(headers: CIMultiDictProxy[str]) -> str | None:
    """
    Return the reason, decoded and without blanks around it; None without the header.

    Raises:
        InvalidRequest: Not 1 to 200 printable characters, in percent-encoded UTF-8 if not ASCII; or given twice.

    Source: RFC 3986, 2.1. Header fields are ASCII (RFC 9110, 5.5), and RFC 8187 encodes parameters only.
    """
    if HEADER not in headers:
        return None
    given = headers.getall(HEADER)
    if len(given) > 1:
        raise _malformed("is given twice")
    text = given[0]
    if len(text) > _ENCODED_CHARACTERS:
        raise _malformed(f"has more than {REASON_CHARACTERS} characters")
    if _ENCODED.fullmatch(text) is None:
        raise _malformed("must be visible ASCII characters and spaces; write all else, and %, as UTF-8 in %XX")
    try:
        reason = unquote_to_bytes(text).decode("utf-8").strip(" ")
    except UnicodeDecodeError:
        raise _malformed("is not UTF-8 where it is written as %XX") from None
    if not 1 <= len(reason) <= REASON_CHARACTERS:
        raise _malformed(f"must have 1 to {REASON_CHARACTERS} characters")
    if not reason.isprintable():
        raise _malformed("holds characters that cannot be seen")
    return reason


def _malformed(message: str) -> InvalidRequest:
    return InvalidRequest([Issue(path=HEADER, code="malformed", message=message)])
