"""Idempotency-Key: which command a request is, and whether two requests are the same."""

import hashlib
import re

import msgspec

from patchbay.api.chance import random_hex
from patchbay.api.errors import InvalidRequest
from patchbay.assistants.errors import Issue

KEY_CHARACTERS = 255

_BARE = re.compile(r"[\x21\x23-\x7e][\x21-\x7e]*")
_QUOTED = re.compile(r'"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"')
_ESCAPED = re.compile(r'\\(["\\])')

_encode_canonically = msgspec.json.Encoder(order="sorted").encode


def parse_idempotency_key(header: str | None) -> str | None:
    """
    Return the key, without its quotes if it has some; None without the header.

    Raises:
        InvalidRequest: Not 1 to 255 visible ASCII characters, or an opening quote without its end.

    Source: draft-ietf-httpapi-idempotency-key-header-07 (a quoted string); bare ones are what clients send.
    """
    if header is None:
        return None
    text = header.strip(" \t")
    if text.startswith('"'):
        quoted = _QUOTED.fullmatch(text)
        key = _ESCAPED.sub(r"\1", quoted[1]) if quoted else ""
    else:
        key = text if _BARE.fullmatch(text) else ""
    if not 1 <= len(key) <= KEY_CHARACTERS:
        message = f"must be 1 to {KEY_CHARACTERS} visible ASCII characters, bare or in double quotes"
        raise InvalidRequest([Issue(path="Idempotency-Key", code="malformed", message=message)])
    return key


def command_id(account_id: str, key: str | None) -> str:
    """
    Return the id of the command: of account and key, so that every copy finds the same; random without a key.

    Args:
        account_id: Whose keys these are: an account's id, or the operators' stream.
        key: The idempotency key.
    """
    if key is None:
        return random_hex(32)
    return hashlib.sha256(f"patchbay:command\0{account_id}\0{key}".encode()).hexdigest()


def derived_command_id(first: str, part: str) -> str:
    """Return the id of a further command of the same request."""
    return hashlib.sha256(f"patchbay:part\0{first}\0{part}".encode()).hexdigest()


def request_digest(method: str, path: str, body: object) -> str:
    """
    Return what two requests must have in common to be the same: method, path, and the body's members and values.

    The order of members and the white space between them do not count; headers do not either, If-Match included.
    """
    head = f"{method} {path}\n".encode()
    return hashlib.sha256(head + (b"" if body is None else _encode_canonically(body))).hexdigest()
