"""A projection whose work is traced: each event is told that was sent in a trace."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from patchbay.projection.judging import Arrival
from patchbay.projection.loop import Projection

if TYPE_CHECKING:
    from patchbay.tracing.spans import Spans

E = TypeVar("E")


def traced(projection: Projection[E], spans: "Spans | None") -> Projection[E]:
    """Return the projection that tells of what it commits; the same one where nothing is traced."""
    if spans is None:
        return projection
    name = projection.tables.projection

    def tell(arrivals: Sequence[Arrival], begun_at: float) -> None:
        for arrival in arrivals:
            envelope = arrival.envelope
            if envelope.traceparent is not None:
                spans.processed(
                    name,
                    envelope.traceparent,
                    begun_at,
                    stream=envelope.stream,
                    partition=arrival.partition,
                    offset=arrival.offset,
                )

    return msgspec.structs.replace(projection, on_committed=tell)
