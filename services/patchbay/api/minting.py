"""Where chance enters: ids of new things, secrets of keys, names of requests."""

import hashlib
import itertools
import re
import secrets
from datetime import UTC, datetime

import msgspec
from typeid import TypeID

_SECRET_BYTES = 24  # 192 random bits
_HINT_CHARACTERS = len("tk_live_") + 4  # 24 of the 192 bits

# Each process counts from a random number of its own.
_numbers = itertools.count(secrets.randbits(40) << 32)
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class Secret(msgspec.Struct, frozen=True):
    """A new key's secret, to be shown once, and what is kept of it."""

    text: str
    sha256: str
    hint: str

    def __repr__(self) -> str:
        return f"Secret({self.hint}…)"


def utc_text(moment: datetime) -> str:
    """Return the time as all times are written: ISO 8601, UTC, six digits."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def mint_secret(mode: str) -> Secret:
    """
    Return a new secret.

    Args:
        mode: `live` or `test`: how it begins.
    """
    text = f"tk_{mode}_" + secrets.token_urlsafe(_SECRET_BYTES).replace("-", "0").replace("_", "1")
    return Secret(text=text, sha256=hashlib.sha256(text.encode()).hexdigest(), hint=text[:_HINT_CHARACTERS])


def mint_id(prefix: str) -> str:
    """Return a new TypeID (a UUIDv7)."""
    return str(TypeID(prefix))


def mint_request_id() -> str:
    """Return a name for a request that came without one."""
    return f"req_{next(_numbers):018x}"


def name_request(wanted: str | None) -> str:
    """Return the name of a request whose `Request-Id` header is `wanted`: that if harmless, else a new one."""
    return wanted if wanted is not None and _REQUEST_ID.fullmatch(wanted) else mint_request_id()
