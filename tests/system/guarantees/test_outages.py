"""While a part is away the others say so in time and go on as far as they can; when it is back, so is everything."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.servers import eventually
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.clients import Reply
from tests.system.guarantees.cluster import KAFKA, POSTGRES, PROJECTOR, ROUTING, Cluster
from tests.system.guarantees.folding import read_log
from tests.system.guarantees.noting import Note
from tests.system.guarantees.settling import broken_promises, settle, tally
from tests.system.guarantees.writing import Kind, Operation

PROMISED_SECONDS = 5.0  # every answer, whatever hangs
PROMPT_SECONDS = 1.0  # an answer that depends on nothing that is away
RECOVERY_SECONDS = 20.0
BOTH = (0, 1)
AT_ONCE = 4  # writes to each process


class Assistant:
    """An assistant that is written to and read, whatever is away; every write is kept account of."""

    def __init__(self, team: Team, assistant_id: str, number: tuple[str, str]) -> None:
        self.id = assistant_id
        self.path = f"/api/assistants/{assistant_id}"
        self.number_id, self.phone_number = number
        self.operations: list[Operation] = []
        self._team = team

    async def rename(self, api: int) -> Reply:
        """Give it a name that it never had."""
        return await self.write(api, Kind.RENAME, self.path, name=f"Agent {secrets.token_hex(6)}")

    async def take_number(self, api: int) -> Reply:
        """Give it its number."""
        return await self.write(
            api, Kind.ASSIGN, f"{self.path}/telephony/phone-numbers", phoneNumberIds=[self.number_id]
        )

    async def switch_off(self, api: int) -> Reply:
        """Have it answer no calls."""
        return await self.write(api, Kind.OTHER, self.path, inbound_enabled=False)

    async def write(self, api: int, kind: Kind, path: str, **fields: object) -> Reply:
        """Send a PATCH; there must be an answer."""
        body = {"accountSlug": self._team.slug, **fields}
        operation = Operation(kind, self._team, "PATCH", path, body, self.id)
        self.operations.append(operation)
        await operation.attempt(api)
        reply = operation.last.reply

        assert reply is not None, "there was no answer"
        return reply

    async def rename_through_both(self) -> list[Reply]:
        """Rename it several times through both processes at once; all of it is answered in time."""
        replies = await asyncio.gather(*(self.rename(api) for api in BOTH * AT_ONCE))

        assert max(reply.seconds for reply in replies) < PROMISED_SECONDS
        return replies

    async def read(self, api: int) -> Reply:
        """Read it."""
        return await self._team.client.get(api, self.path)

    async def look_up(self, api: int) -> Reply:
        """Ask who answers its number."""
        return await self._team.client.get(api, f"/api/routing/inbound/{self.phone_number}")

    async def status_of(self, api: int, write: Reply) -> dict[str, Any]:
        """Ask for what became of a write, where its answer said."""
        reply = await self._team.client.get(api, write.fields["location"])

        assert reply.status == 200, reply
        command: dict[str, Any] = reply.json["command"]
        return command

    async def is_written_through_both(self) -> bool:
        """Return whether a write through each process is done."""
        return {(await self.rename(api)).status for api in BOTH} == {200}


@contextlib.asynccontextmanager
async def _assistant(cluster: Cluster, note: Note) -> AsyncIterator[Assistant]:
    """Give an assistant; at the end, when all is back, every promise made about it is held against the log."""
    async with open_team(cluster) as team:
        assistant = Assistant(team, await team.assistant(inbound_enabled=True), await team.number())
        yield assistant
        begun_at = time.monotonic()
        await eventually(assistant.is_written_through_both, RECOVERY_SECONDS)
        note(f"writes are done again {time.monotonic() - begun_at:.1f} s after it was back")
        nudges = await settle(assistant.operations)
        await cluster.catch_up()
    log = await read_log(cluster.kafka)
    note(f"{dict(tally(assistant.operations))}")

    assert broken_promises(log, [*assistant.operations, *nudges]) == []


@contextlib.asynccontextmanager
async def _away(cluster: Cluster, name: str, how: str) -> AsyncIterator[None]:
    if how == "killed":
        async with cluster.without(name):
            yield
    else:
        with cluster.frozen(name):
            yield


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_without_kafka_writes_are_refused_in_time_and_reads_go_on(cluster: Cluster, note: Note, how: str) -> None:
    """No write hangs, none that was denied ever lands, and GET and look-ups do not notice."""
    async with _assistant(cluster, note) as assistant:
        before = (await assistant.read(0)).body
        async with _away(cluster, KAFKA, how):
            writing = asyncio.create_task(assistant.rename_through_both())
            reads = [await assistant.read(api) for api in BOTH * 10]
            look_ups = [await assistant.look_up(api) for api in BOTH]
            writes = [*await assistant.rename_through_both(), *await writing]

        assert {reply.status for reply in writes} == {503}
        assert all("retry-after" in reply.fields for reply in writes)
        assert {reply.body for reply in reads} == {before}
        assert {reply.status for reply in look_ups} == {200}
        assert max(reply.seconds for reply in (*reads, *look_ups)) < PROMPT_SECONDS


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_without_postgres_everything_is_refused_in_time_and_comes_back(
    cluster: Cluster, note: Note, how: str
) -> None:
    """
    Nothing can be read: 503 in time. No process has to be started again.

    A write is 503 and left nothing, or 202: decided on what its copy remembered, it is in the log, and told when the
    database is back.
    """
    async with _assistant(cluster, note) as assistant:
        async with _away(cluster, POSTGRES, how):
            writes = await assistant.rename_through_both()
            reads = await asyncio.gather(*(assistant.read(api) for api in BOTH * AT_ONCE))
        begun_at = time.monotonic()

        assert {reply.status for reply in reads} == {503}
        assert {reply.status for reply in writes} <= {202, 503}
        assert max(reply.seconds for reply in reads) < PROMISED_SECONDS

        async def is_read() -> bool:
            return {(await assistant.read(api)).status for api in BOTH} == {200}

        await eventually(is_read, RECOVERY_SECONDS)
        pending = [reply for reply in writes if reply.status == 202]
        assert all(reply.json["pending"] for reply in pending)

        async def told() -> bool:
            statuses = [await assistant.status_of(n % 2, reply) for n, reply in enumerate(pending)]
            return {status["status"] for status in statuses} <= {"accepted"}

        await eventually(told, RECOVERY_SECONDS)
        note(f"reads are answered again {time.monotonic() - begun_at:.1f} s after it was back")


async def test_without_the_projector_a_write_is_told_later(cluster: Cluster, note: Note) -> None:
    """The log has it, nobody can see it: 202 with a Location, which tells the verdict when the projector is back."""
    async with _assistant(cluster, note) as assistant:
        async with cluster.without(PROJECTOR):
            replies = await assistant.rename_through_both()
            statuses = [await assistant.status_of(1 - n % 2, reply) for n, reply in enumerate(replies)]
            reads = [await assistant.read(api) for api in BOTH]

        assert {reply.status for reply in replies} == {202}
        assert all(reply.json["pending"] and "assistant" not in reply.json for reply in replies)
        assert {status["status"] for status in statuses} == {"pending"}
        assert {reply.status for reply in reads} == {200}

        async def told() -> list[dict[str, Any]]:
            statuses = [await assistant.status_of(n % 2, reply) for n, reply in enumerate(replies)]
            return (
                [] if any(status["status"] == "pending" or status["waiting_for"] for status in statuses) else statuses
            )

        verdicts = await eventually(told, RECOVERY_SECONDS)

        # Two processes have raced for the same heights: what one of them has chained, all of it, has won.
        assert [verdict["status"] for verdict in verdicts].count("accepted") >= AT_ONCE
        newest = max((v["result"] for v in verdicts if v["result"]), key=lambda result: result["assistant"]["version"])
        assert {(await assistant.read(api)).json["assistant"]["name"] for api in BOTH} == {newest["assistant"]["name"]}


async def test_without_routing_only_what_changes_routing_waits(cluster: Cluster, note: Note) -> None:
    """A PATCH of numbers or of inbound_enabled is 202 and waits for routing; all else is done and visible."""
    async with _assistant(cluster, note) as assistant:
        async with cluster.without(ROUTING):
            numbers, switched, renamed = await asyncio.gather(
                assistant.take_number(0), assistant.switch_off(1), assistant.rename(1)
            )
            statuses = [await assistant.status_of(api, reply) for api in BOTH for reply in (numbers, switched)]
            shown = [(await assistant.read(api)).json["assistant"] for api in BOTH]

        assert renamed.status == 200
        assert (numbers.status, switched.status) == (202, 202)
        assert [reply.json["command"]["waiting_for"] for reply in (numbers, switched)] == [["routing"]] * 2
        assert max(numbers.seconds, switched.seconds) < PROMISED_SECONDS
        assert renamed.seconds < PROMPT_SECONDS
        assert {(status["status"], *status["waiting_for"]) for status in statuses} == {("accepted", "routing")}
        assert {(tuple(record["phone_number_ids"]), record["inbound_enabled"]) for record in shown} == {
            ((assistant.number_id,), False)
        }

        async def is_told() -> bool:
            return not (await assistant.status_of(0, switched))["waiting_for"]

        await eventually(is_told, RECOVERY_SECONDS)

        assert {(await assistant.look_up(api)).json["outcome"] for api in BOTH} == {"inbound_disabled"}
