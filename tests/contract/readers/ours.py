"""What Patchbay's own readers make of a log, in the form that readers are compared by: sorted JSON arrays."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tests.integration.projection.running import Database
from tests.servers import eventually

from patchbay.callrouting import CallRouting
from patchbay.eventlog import Foreign, Head, LogIdentity, Verdict, advance, judge, open_reader, read_envelope

Ends = Mapping[int, int]  # for each partition, the offset behind its last record

_TABLES: Final = {
    "inbound": "SELECT number, account, assistant, outcome, fallback FROM routing.inbound",
    "number": "SELECT number_id, phone_number, account_id, registration::text, status, fallback FROM routing_1.numbers",
    "assignment": "SELECT account_id, number_id, assistant_id, registration::text FROM routing_1.assignments",
    "answering": "SELECT account_id, assistant_id FROM routing_1.assistants",
    "head": "SELECT stream, height::text, encode(digest, 'hex'), encode(stopped_by, 'hex') FROM routing_1.heads",
    "quarantine": "SELECT stream, from_height::text FROM routing_1.quarantine",
}


async def lines_of_service(database: Database, ends: Ends) -> list[str]:
    """Return what the routing process holds, once it has passed `ends`."""

    async def has_passed() -> bool:
        if await database.fetchval("SELECT to_regclass('routing_1.checkpoints')") is None:
            return False
        rows = await database.fetch("SELECT partition, next_offset FROM routing_1.checkpoints")
        found = {row["partition"]: row["next_offset"] for row in rows}
        return all(found.get(partition, 0) >= end for partition, end in ends.items())

    await eventually(has_passed, 60)
    rows = [[name, *row] for name, statement in _TABLES.items() for row in await database.fetch(statement)]
    return _lines(rows)


def lines_of_library(routing: CallRouting) -> list[str]:
    """Return the table that the library holds in memory."""
    answers = [(number, routing.look_up(number)) for number in routing.table.phone_numbers()]
    return _lines(
        ["inbound", number, a.account_id, a.assistant_id, a.outcome.value, a.fallback] for number, a in answers
    )


async def lines_of_verdicts(kafka: str, identity: LogIdentity, ends: Ends) -> list[str]:
    """Return how many records got which verdict."""
    counts = Counter(dict.fromkeys(Verdict, 0))
    heads: dict[str, Head] = {}
    positions = dict.fromkeys(ends, 0)
    async with open_reader(kafka, identity, positions) as reader, asyncio.timeout(60):
        while any(positions[partition] < end for partition, end in ends.items()):
            for record in await reader.fetch(max_records=1000, timeout_seconds=1):
                positions[record.partition] = record.offset + 1
                envelope = read_envelope(record, identity)
                if isinstance(envelope, Foreign):
                    counts[Verdict.FOREIGN] += 1
                    continue
                head = heads.get(envelope.stream) or Head.genesis(identity.log_id)
                verdict = judge(envelope, head)
                counts[verdict] += 1
                heads[envelope.stream] = advance(head, envelope, verdict)
    return _lines(["verdict", verdict.value, count] for verdict, count in counts.items())


def _lines(rows: Iterable[list[Any]]) -> list[str]:
    return sorted(json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in rows)
