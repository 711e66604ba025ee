"""The account's assistants as the API has them, asked for with a client whose errors are those of the commands."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import msgspec

from patchbay.cli import errors
from patchbay.cli.files.fields import SETTABLE, TEMPLATE
from patchbay.cli.files.lock import Lock
from patchbay.cli.files.planning import Remote
from patchbay.cli.whereabouts import Whereabouts
from patchbay.client import (
    Assistant,
    Forbidden,
    NotFound,
    Patchbay,
    PatchbayError,
    Patience,
    Refused,
    Unreachable,
    Unsettled,
    Version,
)

PATIENCE: Final = Patience(seconds=60.0)
_PAGE_RECORDS: Final = 200
_SHOWN_VERSIONS: Final = 5


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The API, for one account."""

    patchbay: Patchbay
    account: str  # slug
    account_id: str | None  # None: the key may not know

    async def assistants(self) -> list[Remote]:
        """Return all that the account has."""
        return [remote_of(assistant) async for assistant in self.patchbay.assistants.list(limit=_PAGE_RECORDS)]

    async def moves(self, assistant_id: str, since: int) -> Sequence[Version]:
        """Return the newest versions above `since`: who has moved it; nothing where that cannot be told."""
        try:
            page = await anext(self.patchbay.versions.list(assistant_id, limit=_SHOWN_VERSIONS).pages())
        except (Forbidden, NotFound):
            return []
        return [version for version in page.records if version.version > since]

    async def key_names(self) -> dict[str, str]:
        """Return the names of the account's keys by their ids; nothing where this key may not know."""
        try:
            return {key.id: key.name async for key in self.patchbay.keys.list()}
        except Refused:
            return {}


def remote_of(assistant: Assistant) -> Remote:
    """Return what the files are compared with."""
    fields = {name: getattr(assistant, name) for name in SETTABLE}
    return Remote(id=assistant.id, version=assistant.version, fields={**fields, TEMPLATE: assistant.type})


@asynccontextmanager
async def open_server(
    whereabouts: Whereabouts, account: str | None, lock: Lock, reason: str | None = None
) -> AsyncIterator[Server]:
    """
    Give the API for the account that was named, else the lock's, else the key's own.

    Raises:
        CliError: The API says no or does not answer, or the lock is another Patchbay's.
    """
    named = account or lock.account
    access = whereabouts.client_api(named)
    with told_as_command():
        async with Patchbay(access.url, access.key, account=named, patience=PATIENCE) as patchbay:
            slug, account_id = await _whose(patchbay, named)
            if slug is None:
                raise errors.BadUsage("Which account? Name it with --account SLUG.")
            if account_id is not None and lock.account_id not in (None, account_id):
                raise errors.BadUsage(
                    f"These files were pulled from another account or another Patchbay than {slug} at {access.url}: "
                    "pull that one into a directory of its own."
                )
            client = patchbay.for_account(slug)
            client = client if reason is None else client.because(reason)
            yield Server(patchbay=client, account=slug, account_id=account_id or lock.account_id)


async def _whose(patchbay: Patchbay, named: str | None) -> tuple[str | None, str | None]:
    try:
        identity = await patchbay.identity()
    except Forbidden as error:
        if error.code != "missing_scope":
            raise
        return named, None  # without account:read it has to be named; the writes say whether it is right
    return (named, None) if identity.account is None else (identity.account.slug, identity.account.id)


@contextmanager
def told_as_command() -> Iterator[None]:
    """
    Raise what the client raises as what commands tell.

    Raises:
        CliError: In place of the client's.
    """
    try:
        yield
    except ValueError as error:
        raise errors.BadUsage(f"{error}.") from None
    except Refused as error:
        raise errors.Refused(str(error), status=error.status, code=error.code) from None
    except Unsettled as error:
        raise errors.Unsettled(f"{error} The same command again settles it.") from None
    except Unreachable as error:
        raise errors.Unreachable(f"{error} Is Patchbay running? `make run` starts it.") from None
    except PatchbayError as error:
        raise errors.Unreachable(str(error)) from None
