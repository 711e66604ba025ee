"""What a command is decided on, for many streams at once, in one snapshot of the database."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from patchbay.api.coalescing import Coalescer
from patchbay.api.live import LiveGenerations
from patchbay.api.writing.parts import MORE_PARTS, folded
from patchbay.api.writing.snapshot import Loaded, Snapshot, Wanted
from patchbay.eventlog import LogIdentity
from patchbay.postgres import Pool

if TYPE_CHECKING:
    from asyncpg import Record


# Rows of many shapes travel in one result: one statement is one snapshot and one round trip.
_ALWAYS = """
SELECT 'live' AS kind, projection AS a, NULL AS b, NULL AS c, NULL AS d, NULL AS e, NULL AS f,
       generation::bigint AS n, NULL::bigint AS m, NULL::bytea AS x, NULL::bytea AS y FROM projection.live
UNION ALL
SELECT 'at', NULL, NULL, NULL, NULL, NULL, NULL, partition, next_offset, NULL, NULL FROM {read_model}.checkpoints
UNION ALL
SELECT 'head', stream, time, NULL, NULL, NULL, NULL, height, NULL, digest, stopped_by
  FROM {read_model}.heads WHERE stream = ANY($1::text[])
UNION ALL
SELECT 'quarantine', stream, 'read_model', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM {read_model}.quarantine WHERE stream = ANY($1::text[])
UNION ALL
SELECT 'quarantine', stream, 'routing', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM {routing}.quarantine WHERE stream = ANY($1::text[])
UNION ALL
SELECT 'account', account_id, slug, name, created_at, NULL, NULL, NULL, NULL, NULL, NULL
  FROM {read_model}.accounts WHERE account_id = ANY($1::text[])
UNION ALL
SELECT 'command', e.stream, NULL, NULL, NULL, NULL, NULL, e.height, NULL, e.command_id, e.request_digest
  FROM unnest($2::text[], $3::bytea[]) AS w (stream, command_id)
  JOIN history.events e ON e.stream = w.stream AND e.command_id = w.command_id
"""
_ASSISTANTS = """
UNION ALL
SELECT 'assistant', assistant_id, account_id, NULL, NULL, NULL, NULL, NULL, NULL, record, NULL
  FROM {read_model}.assistants WHERE assistant_id = ANY($4::text[])
"""
_NUMBERS = """
UNION ALL
SELECT 'number', number_id, phone_number, account_id, status, created_at, updated_at, registration, NULL,
       convert_to(fallback, 'UTF8'), NULL
  FROM {read_model}.numbers WHERE number_id = ANY($5::text[])
UNION ALL
SELECT 'holding', g.number_id, g.account_id, g.assistant_id, NULL, NULL, NULL, g.registration, NULL, NULL, NULL
  FROM {read_model}.assignments g WHERE g.account_id = ANY($1::text[]) AND g.number_id = ANY($5::text[])
"""
_HOLDINGS = """
UNION ALL
SELECT 'holding', g.number_id, g.account_id, g.assistant_id, NULL, NULL, NULL, g.registration, NULL, NULL, NULL
  FROM {read_model}.assignments g WHERE g.assistant_id = ANY($6::text[])
"""
_HOLDERS = """
UNION ALL
SELECT 'assistant', a.assistant_id, a.account_id, NULL, NULL, NULL, NULL, NULL, NULL, a.record, NULL
  FROM {read_model}.assignments g JOIN {read_model}.assistants a USING (assistant_id)
 WHERE g.account_id = ANY($1::text[]) AND g.number_id = ANY($7::text[])
UNION ALL
SELECT 'holding', o.number_id, o.account_id, o.assistant_id, NULL, NULL, NULL, o.registration, NULL, NULL, NULL
  FROM {read_model}.assignments g JOIN {read_model}.assignments o USING (account_id, assistant_id)
 WHERE g.account_id = ANY($1::text[]) AND g.number_id = ANY($7::text[])
"""
_KEYS = """
UNION ALL
SELECT 'key', key_id, account_id, name, hint, expires_at, revoked_at, requests_per_hour, NULL,
       convert_to(array_to_json(scopes)::text, 'UTF8'), convert_to(created_at, 'UTF8')
  FROM {read_model}.keys WHERE key_id = ANY($8::text[])
"""
_OPTIONAL = ((4, _ASSISTANTS), (5, _NUMBERS), (6, _HOLDINGS), (7, _HOLDERS), (8, _KEYS), *MORE_PARTS)


class Loader:
    """Loads streams for deciding; questions that arrive together are one statement."""

    def __init__(self, pool: Pool, live: LiveGenerations, identity: LogIdentity) -> None:
        self._pool = pool
        self._live = live
        self._identity = identity
        self._coalescer = Coalescer(self._load)

    async def load(self, wanted: Wanted) -> Loaded:
        """
        Return the stream as the database shows it after this call began.

        Raises:
            Exception: The database is out of reach or answered with an error.
        """
        return await self._coalescer.ask(wanted)

    async def _load(self, wanted: Sequence[Wanted]) -> list[Loaded]:
        while True:
            written_for = self._live.current
            rows = await self._fetch(wanted)
            pointers = {row["a"]: row["n"] for row in rows if row["kind"] == "live"}
            if not self._live.moved(written_for, pointers["read_model"], pointers["routing"]):
                return Snapshot(rows, self._identity).of_each(wanted)

    async def _fetch(self, wanted: Sequence[Wanted]) -> "list[Record]":
        parameters: list[list[str] | list[bytes]] = [
            [w.stream for w in wanted],
            [w.stream for w in wanted for _ in w.command_ids],
            [bytes.fromhex(command) for w in wanted for command in w.command_ids],
            _all(w.assistants for w in wanted),
            _all(w.numbers | ({w.stream} if w.stream.startswith("pn_") else frozenset()) for w in wanted),
            _all(w.holdings_of for w in wanted),
            _all(w.holders_of for w in wanted),
            _all(w.keys for w in wanted),
            _all(w.numbers_of for w in wanted),
            folded(_all(w.names for w in wanted)),
        ]
        statement, used = _ALWAYS, parameters[:3]
        for number, branch in _OPTIONAL:
            if parameters[number - 1]:
                used.append(parameters[number - 1])
                statement += branch.replace(f"${number}", f"${len(used)}")
        return await self._live.fetch(self._pool, statement, *used)


def _all(sets: Iterable[frozenset[str]]) -> list[str]:
    return list(frozenset[str]().union(*sets))
