"""What an id looks like, and which ids follow from a name: accounts, numbers and operators are found, not given out."""

import hashlib
import re
import uuid
from typing import Final

from typeid.base32 import encode

ACCOUNT: Final = "acct"
NUMBER: Final = "pn"
OPERATORS: Final = "oper"
ASSISTANT: Final = "asst"
KEY: Final = "key"

_SOURCES: Final = {ACCOUNT: "/accounts/", NUMBER: "/numbers/", OPERATORS: "/operators/"}
_SHAPES: Final = {
    # The suffix is 128 bits in 26 digits of Crockford's base 32, so the first digit is at most 7.
    prefix: re.compile(prefix + "_[0-7][0-9a-hjkmnp-tv-z]{25}")
    for prefix in (ACCOUNT, NUMBER, OPERATORS, ASSISTANT, KEY)
}


def is_id(prefix: str, text: str) -> bool:
    """
    True if `text` is a TypeID of the kind `prefix`.

    Source: TypeID specification 0.3.0.
    """
    return _SHAPES[prefix].fullmatch(text) is not None


def shape_of(prefix: str) -> str:
    """Return the regular expression of a whole id of the kind `prefix`."""
    return _SHAPES[prefix].pattern


def kind_of(text: str) -> str | None:
    """Return the prefix of `text` if it is an id of one of our kinds."""
    prefix = text.partition("_")[0]
    return prefix if prefix in _SHAPES and is_id(prefix, text) else None


def account_id(log_id: str, slug: str) -> str:
    """Return the id that the account of `slug` has in the log `log_id`, whoever opens it."""
    return _derived(ACCOUNT, log_id, slug)


def number_id(log_id: str, phone_number: str) -> str:
    """
    Return the id that a phone number has in the log `log_id`, whoever registers it.

    Args:
        log_id: 64 lower-case hex digits.
        phone_number: E.164.
    """
    return _derived(NUMBER, log_id, phone_number)


def operators_id(log_id: str) -> str:
    """Return the id of the operators' stream in the log `log_id`."""
    return _derived(OPERATORS, log_id, "")


def _derived(prefix: str, log_id: str, name: str) -> str:
    seed = b"patchbay:" + prefix.encode() + b"\0" + log_id.encode("ascii") + b"\0" + name.encode()
    octets = bytearray(hashlib.sha256(seed).digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x80  # version 8: the meaning of the bits is ours (RFC 9562, 5.8)
    octets[8] = octets[8] & 0x3F | 0x80  # the variant of RFC 9562
    return typeid(prefix, uuid.UUID(bytes=bytes(octets)))


def typeid(prefix: str, value: uuid.UUID) -> str:
    """Write `value` as a TypeID."""
    return f"{prefix}_{encode(value.bytes)}"


def source_of(stream: str) -> str:
    """
    Return the CloudEvents source of the events of `stream`: `/accounts/acct_…`, `/numbers/pn_…`, `/operators/oper_…`.

    Raises:
        ValueError: `stream` is not the id of a stream.
    """
    base = _SOURCES.get(stream.partition("_")[0])
    if base is None:
        raise ValueError(f"{stream!r} is not the id of a stream")
    return base + stream
