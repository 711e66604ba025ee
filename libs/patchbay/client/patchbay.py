"""The client: one API, one key, and the calls."""

import re
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from patchbay.client.accounts import Accounts, Commands, Keys
from patchbay.client.answering import decode
from patchbay.client.assistants import Assistants
from patchbay.client.audit import Audit
from patchbay.client.calls import Calls, Memory
from patchbay.client.catalogue import Catalogue, read_catalogue
from patchbay.client.events import Events, OpenStream
from patchbay.client.phone_numbers import PhoneNumbers, Routing
from patchbay.client.reach import Reach, Rehearsed, given
from patchbay.client.records import FieldChange, Identity, Rehearsal
from patchbay.client.retrying import Patience, RateLimit
from patchbay.client.telephony import Telephony
from patchbay.client.versions import Versions

if TYPE_CHECKING:
    from patchbay.client.exchanging import Reply, Request
    from patchbay.client.http import Transport

_KEY: Final = re.compile(r"[\x21-\x7e]{1,512}")


class RehearsalAnswer(msgspec.Struct, frozen=True):
    """The part of a dry run's answer that all have."""

    changes: tuple[FieldChange, ...]


class Patchbay:
    """
    A client of Patchbay's HTTP API.

    As in::

        async with Patchbay("http://127.0.0.1:8080", key, account="my-team") as patchbay:
            assistant = await patchbay.assistants.create("Sales Agent", template="outbound-setter")

    A call is tried until its outcome is known, as often as is safe and no longer than the patience. Reads are always
    safe; a write is by its idempotency key, which is minted where none is given: it takes effect once or not at all.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        account: str | None = None,
        patience: Patience | None = None,
        reads_own_writes: bool = False,
        mints_keys: bool = True,
    ) -> None:
        """
        Take note of the address; nothing is opened before the client is entered.

        Args:
            url: Of the API, such as `http://127.0.0.1:8080`.
            key: `tk_live_…` or `tk_test_…`.
            account: Slug of the account that calls are about where they name none.
            patience: How long calls are tried.
            reads_own_writes: Have every read wait for all that this client has written, on whichever copy of the API
                and of the database it arrives, also just after one has taken over from another.
            mints_keys: Name each write by an idempotency key of its own. Without one, a write is repeated only where
                the API has said that it did not take effect.

        Raises:
            ValueError: The address or the key is none.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is not the address of an API: it looks like http://127.0.0.1:8080")
        if _KEY.fullmatch(key) is None:
            raise ValueError("the key is not one: it looks like tk_live_…")
        self._connections = _Connections(url.rstrip("/"), key)
        memory = Memory(reads_own_writes=reads_own_writes)
        calls = Calls(self._connections, memory, patience or Patience())
        self._have_calls(Reach(calls=calls, account=account, reason=None, mints_keys=mints_keys))

    def _have_calls(self, reach: Reach) -> None:
        self._reach = reach
        self.assistants = Assistants(reach)
        self.versions = Versions(reach)
        self.telephony = Telephony(reach)
        self.phone_numbers = PhoneNumbers(reach)
        self.routing = Routing(reach)
        self.accounts = Accounts(reach)
        self.keys = Keys(reach)
        self.commands = Commands(reach)
        self.events = Events(reach, self._connections)
        self.audit = Audit(reach)

    async def __aenter__(self) -> Self:
        """Make ready to send; a connection is opened by the first call."""
        await self._connections.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._connections.close()

    def within(self, seconds: float) -> "Patchbay":
        """Return the same client, whose calls are tried for no longer than this."""
        reach = self._reach
        patience = replace(reach.calls.patience, seconds=seconds)
        return self._like(replace(reach, calls=Calls(self._connections, reach.calls.memory, patience)))

    def because(self, reason: str) -> "Patchbay":
        """Return the same client, whose writes name a reason: it is kept with every event that they lead to."""
        return self._like(replace(self._reach, reason=reason))

    def for_account(self, slug: str) -> "Patchbay":
        """Return the same client, for another account; for operators."""
        return self._like(replace(self._reach, account=slug))

    async def rehearse(self, write: "Callable[[Patchbay], Awaitable[object]]") -> Rehearsal:
        """
        Return what a write would lead to, validated and decided like the real one; nothing is written.

        As in::

            await patchbay.rehearse(lambda dry: dry.assistants.update(assistant_id, temperature=0.2))

        Args:
            write: Makes one write with the client that it is given.

        Raises:
            PatchbayError: The write would be refused, or there was no answer.
            ValueError: `write` wrote nothing.
        """
        try:
            await write(self._like(replace(self._reach, only_rehearses=True)))
        except Rehearsed as rehearsed:
            answer = decode(rehearsed.reply, dict[str, Any])
            changes = decode(rehearsed.reply, RehearsalAnswer).changes
            return Rehearsal(changes=changes, answer=answer)
        raise ValueError("what was to be rehearsed wrote nothing")

    async def catalogue(self) -> Catalogue:
        """
        Return what requests may name: providers, models and when they end, templates, limits, scopes.

        Raises:
            PatchbayError: There was no answer.
        """
        return await read_catalogue(self._reach)

    async def identity(self, account: str | None = None) -> Identity:
        """
        Return who asks, and for which account.

        Raises:
            PatchbayError: There was no answer.
        """
        query = given(accountSlug=account or self._reach.account)
        return await self._reach.read("/api/account", Identity, query)

    def _like(self, reach: Reach) -> "Patchbay":
        other = object.__new__(Patchbay)
        other._connections = self._connections
        other._have_calls(reach)
        return other

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the key had left at the last answer; None: it has no limit, or there was no answer."""
        return self._reach.calls.memory.rate_limit

    @property
    def positions(self) -> tuple[str, ...]:
        """The positions of this client's newest writes, for a reader elsewhere: `Patchbay-After`."""
        return tuple(self._reach.calls.memory.positions)

    def __repr__(self) -> str:
        return f"Patchbay({self._connections.url!r})"


class _Connections:
    """The transport while the client is entered. It is made then: importing this module loads no HTTP client."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._key = key
        self._transport: Transport | None = None

    async def start(self) -> None:
        from patchbay.client.http import Transport  # noqa: PLC0415 -- only who calls pays for it

        if self._transport is not None:
            raise RuntimeError("this client is entered already")
        self._transport = Transport(self.url, self._key)

    async def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def exchange(self, request: "Request", seconds: float) -> "Reply":
        return await self._opened().exchange(request, seconds)

    async def open(self, request: "Request", seconds: float) -> OpenStream:
        return await self._opened().open(request, seconds)

    def _opened(self) -> "Transport":
        if self._transport is None:
            raise RuntimeError("enter the client first: async with Patchbay(…) as patchbay")
        return self._transport
