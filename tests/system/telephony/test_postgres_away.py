"""A router whose Postgres is not there yet, or does not answer: calls get an answer all the same."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from tests.servers import eventually
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.cluster import POSTGRES, Cluster
from tests.system.telephony.router import VOICE_HOST, Router, run_router
from tests.system.telephony.sip import open_caller

from patchbay.embedded import free_port

_END_ROUTERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'kamailio'"
SLOWEST_SECONDS = 8.0  # of an answer while Postgres hangs: below the 32 s after which a carrier gives up


async def routed_number(team: Team) -> tuple[str, tuple[int, str]]:
    """Return a number that an assistant answers, and what a call to it is told."""
    assistant = await team.assistant(inbound_enabled=True)
    number_id, phone_number = await team.number()
    path = f"/api/assistants/{assistant}/telephony/phone-numbers"
    await team.client.written(0, "PATCH", path, {"accountSlug": team.slug, "phoneNumberIds": [number_id]})
    return phone_number, (302, f"sip:{assistant}@{VOICE_HOST}")


@contextlib.asynccontextmanager
async def forwarding(port: int, to_port: int) -> AsyncIterator[None]:
    """Let what connects to `port` reach `to_port`."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", to_port)
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    server = await asyncio.start_server(forward, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_a_router_that_starts_before_postgres_finds_it_by_itself(
    cluster: Cluster, router_url: str, tmp_path: Path
) -> None:
    port, there = free_port(), urlsplit(router_url).port
    assert there is not None
    async with open_team(cluster) as team:
        phone_number, told = await routed_number(team)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(forwarding_later := contextlib.AsyncExitStack())
            router = await stack.enter_async_context(
                run_router(tmp_path, router_url.replace(f":{there}/", f":{port}/"))
            )
            caller = await stack.enter_async_context(open_caller(router.port))
            before = await caller.invite(phone_number)
            await forwarding_later.enter_async_context(forwarding(port, there))

            async def is_told() -> bool:
                answer = await caller.invite(phone_number)
                return answer.told == told and not answer.is_of_copy

            await eventually(is_told)
            await eventually(lambda: "routing table back" in router.log)

    assert before.status == 503
    assert router.log.count("routing table out of reach") == 1
    assert phone_number not in router.log


async def test_connections_that_died_while_nobody_called_are_opened_again(cluster: Cluster, router: Router) -> None:
    """No call is answered by the copy once the table can be read again, by whichever worker."""
    connection = await asyncpg.connect(cluster.database_url)
    try:
        async with open_team(cluster) as team, open_caller(router.port) as caller:
            phone_number, told = await routed_number(team)
            ended = await connection.fetch(_END_ROUTERS)
            answers = await asyncio.gather(*(caller.invite(phone_number) for _ in range(60)))
    finally:
        await connection.close()

    assert len(ended) > 1
    assert {(answer.told, answer.is_of_copy) for answer in answers} == {(told, False)}


async def test_calls_are_answered_while_postgres_hangs(
    cluster: Cluster, router: Router, figure: Callable[[str], None]
) -> None:
    """A server that takes connections and says nothing is the worst one: only time tells."""
    async with open_team(cluster) as team, open_caller(router.port) as caller:
        phone_number, told = await routed_number(team)
        read = await caller.invite(phone_number)
        with cluster.frozen(POSTGRES):
            began_at = time.monotonic()
            hung = await caller.invite(phone_number)
            seconds = time.monotonic() - began_at

        async def is_told_by_the_table() -> bool:
            answer = await caller.invite(phone_number)
            return answer.told == told and not answer.is_of_copy

        await eventually(is_told_by_the_table)
    figure(f"Postgres frozen: a call answered by the copy after {seconds:.1f} s")

    assert read.told == hung.told == told
    assert (read.is_of_copy, hung.is_of_copy) == (False, True)
    assert seconds < SLOWEST_SECONDS
