"""Nothing of one account reaches another: no answer, no event, no row."""

import asyncpg
from tests.chaos.history import History, Kind
from tests.system.guarantees.folding import Accepted, Log

from patchbay.assistants.codec import touched_assistants

_CROSSED_ROWS = """
SELECT 'assignment of ' || a.number_id FROM read_model_1.assignments a
  JOIN read_model_1.assistants s USING (assistant_id) WHERE s.account_id <> a.account_id
UNION ALL
SELECT 'route of ' || r.number FROM routing.inbound r
  JOIN read_model_1.assistants s ON s.assistant_id = r.assistant WHERE s.account_id <> r.account
UNION ALL
SELECT 'version ' || v.version || ' of ' || v.assistant_id FROM read_model_1.versions v
  JOIN read_model_1.assistants s USING (assistant_id) WHERE s.account_id <> v.stream
"""


def crossed_answers(history: History) -> list[str]:
    """Return the answers that tell a client of another account than its own."""
    return [
        f"an answer to {call.account} tells of {call.told.account}: {call}"
        for call in history.calls
        if call.told is not None
        and (call.kind is Kind.TRESPASS or (call.told.account and call.told.account != call.account))
    ]


def crossed_events(log: Log) -> list[str]:
    """Return the accepted events that touch an assistant of another stream, or claim another source."""
    owners: dict[str, str] = {}
    return [fault for accepted in log.accepted for fault in _crossed(accepted, owners)]


def _crossed(accepted: Accepted, owners: dict[str, str]) -> list[str]:
    envelope = accepted.envelope
    found = [
        f"height {envelope.height} of {envelope.stream} touches {assistant} of {owners[assistant]}"
        for assistant in touched_assistants(accepted.event)
        if owners.setdefault(assistant, envelope.stream) != envelope.stream
    ]
    source = dict(envelope.headers).get("ce_source")
    if envelope.stream.startswith("acct_") and source != f"/accounts/{envelope.stream}".encode():
        found.append(f"height {envelope.height} of {envelope.stream} says it is of {source!r}")
    return found


async def crossed_rows(database_url: str) -> list[str]:
    """Return the rows of the projections in which two accounts meet."""
    connection = await asyncpg.connect(database_url)
    try:
        return [row[0] for row in await connection.fetch(_CROSSED_ROWS)]
    finally:
        await connection.close()
