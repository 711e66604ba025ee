"""What every resource's calls have in common: whose they are, how they are written down, and what comes back."""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from patchbay.client.answering import decode
from patchbay.client.calls import Calls
from patchbay.client.exchanging import Reply, Request

T = TypeVar("T")

Body = dict[str, Any]

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21\x23-\x7e][\x21-\x7e]{0,254}")


class Rehearsed(Exception):
    """A write was only rehearsed: there is no record that it could return."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("only rehearsed")
        self.reply = reply


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Calls in the name of one account, for one reason."""

    calls: Calls
    account: str | None  # slug
    reason: str | None
    mints_keys: bool
    only_rehearses: bool = False

    def slug(self, account: str | None) -> str:
        """
        Return the slug of the account that a write is for.

        Raises:
            ValueError: None was named, neither here nor for the client.
        """
        slug = account or self.account
        if slug is None:
            raise ValueError("which account? Name it here, or once for all with Patchbay(…, account=slug)")
        return slug

    async def read(self, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> T:
        """Return the body of a GET."""
        return decode(await self.calls.read(path, query), kind)

    async def write(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        idempotency_key: str | None = None,
        if_match: int | None = None,
        only_new: bool = False,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """
        Carry out a write, once, however often it has to be sent.

        Args:
            method: Of HTTP.
            path: Below the API's address.
            body: JSON members.
            idempotency_key: Names the write; minted where there is none.
            if_match: The version that it is meant for.
            only_new: It is meant for what is not there yet.
            query: Parameters.

        Raises:
            ValueError: The idempotency key is not 1 to 255 visible ASCII characters.
            PatchbayError: It did not take effect, or nobody knows.
            Rehearsed: It was a rehearsal, and has ended.
        """
        key = idempotency_key or (secrets.token_hex(16) if self.mints_keys else None)
        headers: dict[str, str] = {}
        if key is not None:
            if _IDEMPOTENCY_KEY.fullmatch(key) is None:
                raise ValueError("an idempotency key is 1 to 255 visible ASCII characters, and begins with no quote")
            headers["Idempotency-Key"] = key
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        if only_new:
            headers["If-None-Match"] = "*"
        if self.reason is not None:
            headers["Patchbay-Reason"] = _visible(self.reason)
        content = None if body is None else msgspec.json.encode(body)
        parameters = {**(query or {}), **({"dry_run": "true"} if self.only_rehearses else {})}
        request = Request(method=method, path=path, query=parameters, headers=headers, body=content)
        reply = await self.calls.send(request, key)
        if self.only_rehearses:
            raise Rehearsed(reply)
        return reply


def _visible(reason: str) -> str:
    """Return a reason as its header takes it: what is not visible ASCII or a blank, and `%`, as UTF-8 in `%XX`."""
    return "".join(c if " " <= c <= "~" and c != "%" else quote(c, safe="") for c in reason)


def segment(text: str) -> str:
    """Return `text` as one segment of a path."""
    return quote(text, safe="")


def given(**parameters: object) -> dict[str, str]:
    """Return the parameters that are not None, as a query."""
    return {name: text_of(value) for name, value in parameters.items() if value is not None}


def text_of(value: object) -> str:
    """
    Return a parameter as the API reads it.

    Raises:
        ValueError: A moment without a time zone.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, datetime):
        return str(value)
    if value.tzinfo is None:
        raise ValueError("a moment has a time zone: datetime.now(UTC), for instance")
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
