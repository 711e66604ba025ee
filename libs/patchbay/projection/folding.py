"""The seam between the loop and a projection: how accepted events become rows, and what happens if they cannot."""

import traceback
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec
import structlog

from patchbay.eventlog import Envelope
from patchbay.postgres import Connection
from patchbay.projection.judging import Arrival
from patchbay.projection.statement import Change

log = structlog.get_logger()

E = TypeVar("E")
E_contra = TypeVar("E_contra", contravariant=True)


class Draft(Protocol[E_contra]):
    """The rows that follow from a batch's events so far; nothing outside knows of it until it is kept."""

    def apply(self, event: E_contra, arrival: Arrival) -> None:
        """Fold one event. Whatever it raises quarantines the stream; the draft is then thrown away."""

    def changes(self) -> list[Change]:
        """Return what is to be written; no two of them touch the same row."""

    def keep(self) -> None:
        """Take over what was drafted: it is committed."""


class Fold(Protocol[E]):
    """How one projection makes rows of events."""

    def decode(self, envelope: Envelope) -> E | None:
        """Return the event, None if it does not concern this projection. Whatever it raises quarantines the stream."""

    async def load(self, connection: Connection, events: Sequence[tuple[E, Arrival]]) -> None:
        """Bring into memory what folding `events` will read. Raises what the database raises, nothing else."""

    def draft(self) -> Draft[E]:
        """Return an empty draft on top of what was kept."""


class Suspect(msgspec.Struct, frozen=True):
    """A stream that cannot be folded from here on."""

    stream: str
    from_height: int
    reason: str


class Folded(msgspec.Struct, Generic[E], frozen=True):
    """A draft of all that could be folded, and the streams that could not."""

    draft: Draft[E]
    suspects: list[Suspect]


async def fold_arrivals(
    fold: Fold[E], connection: Connection, arrivals: Sequence[Arrival], blocked: Mapping[str, Suspect]
) -> Folded[E]:
    """
    Fold accepted events.

    A stream whose event cannot be folded loses that event and all later ones; the others do not notice.

    Args:
        fold: The projection.
        connection: Where it loads from.
        arrivals: Accepted events, in order within each stream.
        blocked: Streams that are quarantined from a height on, by stream.

    Raises:
        DATABASE_FAILURES: The database is away, or slow.
    """
    suspects: dict[str, Suspect] = {}
    events: list[tuple[E, Arrival]] = []
    for arrival in arrivals:
        envelope = arrival.envelope
        if _is_blocked(envelope, blocked) or envelope.stream in suspects:
            continue
        try:
            event = fold.decode(envelope)
        except Exception as error:  # noqa: BLE001 - the stream is quarantined, with the reason
            suspects[envelope.stream] = _suspect(arrival, error)
            continue
        if event is not None:
            events.append((event, arrival))
    await fold.load(connection, events)
    while True:
        draft = fold.draft()
        suspect = _apply_all(draft, events)
        if suspect is None:
            return Folded(draft, list(suspects.values()))
        # An event may fail half-way: all is drafted again without it, and without what follows it in its stream.
        suspects[suspect.stream] = suspect
        events = [
            (event, arrival)
            for event, arrival in events
            if arrival.envelope.stream != suspect.stream or arrival.envelope.height < suspect.from_height
        ]


def _apply_all(draft: Draft[E], events: Sequence[tuple[E, Arrival]]) -> Suspect | None:
    for event, arrival in events:
        try:
            draft.apply(event, arrival)
        except Exception as error:  # noqa: BLE001 - the stream is quarantined, with the reason
            return _suspect(arrival, error)
    return None


def _is_blocked(envelope: Envelope, blocked: Mapping[str, Suspect]) -> bool:
    suspect = blocked.get(envelope.stream)
    return suspect is not None and envelope.height >= suspect.from_height


def _suspect(arrival: Arrival, error: Exception) -> Suspect:
    envelope = arrival.envelope
    log.error(
        "stream_quarantined",
        stream=envelope.stream,
        height=envelope.height,
        type=envelope.type,
        partition=arrival.partition,
        offset=arrival.offset,
        reason=_reason(error),
        where=_where(error),
    )
    return Suspect(envelope.stream, envelope.height, _reason(error))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:1000].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _where(error: Exception) -> str:
    """Return where it was raised; a whole traceback would show the event, and with it what no log should hold."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
