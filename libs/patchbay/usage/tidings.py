"""
What one copy of the API tells the others, by NOTIFY: how much it has counted so far, for whom, in which slot.

Counts are those since the slot began, never differences: hearing them twice, or in another order, changes nothing, and
who missed some is put right by the next. Each copy has a name of its own for as long as it runs.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

CHANNEL: Final = "patchbay_usage"
NOTIFY: Final = f"SELECT pg_notify('{CHANNEL}', payload) FROM unnest($1::text[]) AS payload"
ASK: Final = '{"ask":true}'  # whoever hears it tells all that it has counted, once more
PAYLOAD_BYTES: Final = 7_900  # Postgres takes less than 8,000
MOST_COUNTS: Final = 400  # in one payload; the smallest take 20 bytes each

_Id = Annotated[str, msgspec.Meta(pattern=r"\A(?:key|acct)_[0-7][0-9a-hjkmnp-tv-z]{25}\Z")]
_Copy = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Int = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class Count(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What one copy has counted for a key or an account in one slot. An amount of 0: it was used, and has no limit."""

    id: _Id
    slot: _Int
    used_at: _Number  # seconds since 1970
    amount: _Number  # of requests of a key, of writes of an account
    size_bytes: _Number = 0  # of an account's writes


class Tidings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One payload."""

    copy: _Copy | None = None
    counts: Annotated[tuple[Count, ...], msgspec.Meta(max_length=MOST_COUNTS)] = ()
    ask: bool = False


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Tidings).decode


def pack(copy: str, counts: Iterable[Count]) -> list[str]:
    """Return the payloads that tell these counts, each as long as may be."""
    head = f'{{"copy":"{copy}","counts":['
    payloads: list[str] = []
    parts: list[str] = []
    length = len(head) + 2
    for count in counts:
        part = _encode(count).decode()
        if parts and (length + len(part) + 1 > PAYLOAD_BYTES or len(parts) == MOST_COUNTS):
            payloads.append(f"{head}{','.join(parts)}]}}")
            parts, length = [], len(head) + 2
        parts.append(part)
        length += len(part) + 1
    if parts:
        payloads.append(f"{head}{','.join(parts)}]}}")
    return payloads


def read(payload: str) -> Tidings | None:
    """Return what is told; None if it is nothing of ours: anybody who has the database may NOTIFY anything."""
    try:
        return _decode(payload)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return None
