"""Accounts to work with: opened by the operators, with a key that has no limit."""

import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Sequence

import msgspec
from tests.system.guarantees.clients import Client, open_client
from tests.system.guarantees.cluster import Cluster

_phone_numbers = itertools.count(1)


class Team(msgspec.Struct, frozen=True):
    """An account and somebody who acts for it."""

    slug: str
    account_id: str
    key_id: str
    client: Client

    async def assistant(self, api: int = 0, **fields: object) -> str:
        """Create an assistant and return its id."""
        body = {"accountSlug": self.slug, "name": "Agent", **fields}
        return str((await self.client.written(api, "POST", "/api/assistants", body)).json["assistant"]["id"])

    async def number(self, api: int = 0) -> tuple[str, str]:
        """Register a number that nobody had before; return its id and itself."""
        body = {"accountSlug": self.slug, "phoneNumber": new_phone_number()}
        record = (await self.client.written(api, "POST", "/api/phone-numbers", body)).json["phone_number"]
        return record["id"], record["phone_number"]


def new_phone_number() -> str:
    """Return a number that no test has used: of a valid range, E.164."""
    return f"+1415{2_000_000 + next(_phone_numbers)}"


@contextlib.asynccontextmanager
async def open_team(cluster: Cluster, ports: Sequence[int] = ()) -> AsyncIterator[Team]:
    """Open an account of its own, with a key; it reaches the API at these ports, or each process of it directly."""
    slug = f"team-{secrets.token_hex(5)}"
    async with cluster.operator() as operator:
        opened = (await operator.written(0, "POST", "/api/accounts", {"accountSlug": slug})).json["account"]
        body = {"accountSlug": slug, "name": "tests", "requestsPerHour": None}
        key = (await operator.written(1, "POST", "/api/keys", body)).json["key"]
    async with open_client(ports or cluster.api_ports, key["secret"]) as client:
        yield Team(slug, opened["id"], key["id"], client)
