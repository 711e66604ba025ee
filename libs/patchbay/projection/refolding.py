"""Quarantined streams, folded again from the history: at each start, since new code may know what to do."""

from collections.abc import Sequence
from typing import TypeVar

import structlog

from patchbay.eventlog import Envelope, read_envelope
from patchbay.projection.committing import ROW_FAULTS
from patchbay.projection.folding import Suspect, fold_arrivals
from patchbay.projection.history import RecordedEvent, read_history
from patchbay.projection.judging import Arrival
from patchbay.projection.quarantine import change_of_cured, change_of_suspects, tell_quarantine
from patchbay.projection.tenure import Tenure

log = structlog.get_logger()

E = TypeVar("E")

_READ_HEIGHT = "SELECT height FROM {schema}.heads WHERE stream = $1"


async def refold(tenure: Tenure[E]) -> set[str]:
    """
    Fold every quarantined stream again, as far as it goes; those that can be folded up to their head are free again.

    To be called between batches.

    Returns:
        The streams to try again later: the history, which another process writes, has not all of their events yet.

    Raises:
        Fenced: Somebody else owns the partitions.
        DATABASE_FAILURES: The database is away, or slow.
    """
    later = set()
    for suspect in list(tenure.blocked.values()):
        if not await _refold_stream(tenure, suspect):
            later.add(suspect.stream)
    await tell_quarantine(tenure.connection, tenure.ownership.schema, tenure.projection, len(tenure.blocked))
    return later


async def _refold_stream(tenure: Tenure[E], suspect: Suspect) -> bool:
    """Fold one stream again; False if its history is not complete."""
    statement = _READ_HEIGHT.format(schema=tenure.ownership.schema)
    height = await tenure.connection.fetchval(statement, suspect.stream)
    is_cured = False
    while not is_cured:
        events = await read_history(tenure.connection, suspect.stream, from_height=suspect.from_height)
        arrivals = _arrivals(tenure, events, up_to_height=height)
        if not arrivals:
            return False
        folded = await fold_arrivals(tenure.fold, tenure.connection, arrivals, {})
        after = folded.suspects[0] if folded.suspects else _behind(suspect, arrivals)
        is_cured = after.from_height > height
        quarantine = change_of_cured(suspect.stream) if is_cured else change_of_suspects([after])
        try:
            await tenure.committer.commit((), [*folded.draft.changes(), quarantine])
        except ROW_FAULTS as error:
            reason = str(error).partition("\n")[0]
            log.error("stream_still_quarantined", stream=suspect.stream, reason=reason)  # noqa: TRY400 - known
            return True
        folded.draft.keep()
        tenure.blocked[suspect.stream] = after
        if folded.suspects:
            return True
        suspect = after
    del tenure.blocked[suspect.stream]
    log.info("stream_folded_again", projection=tenure.projection, stream=suspect.stream, height=height)
    return True


def _arrivals(tenure: Tenure[E], events: Sequence[RecordedEvent], *, up_to_height: int) -> list[Arrival]:
    """Return what the history holds of a stream; it may be ahead of this projection, and behind it."""
    arrivals = []
    for event in events:
        envelope = read_envelope(event, tenure.identity)
        if not isinstance(envelope, Envelope):
            log.error("history_damaged", partition=event.partition, offset=event.offset, reason=envelope.reason)
            break
        if envelope.height > up_to_height:
            break
        arrivals.append(Arrival(envelope, event.partition, event.offset))
    return arrivals


def _behind(suspect: Suspect, arrivals: list[Arrival]) -> Suspect:
    return Suspect(suspect.stream, arrivals[-1].envelope.height + 1, suspect.reason)
