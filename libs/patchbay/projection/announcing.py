"""
What a commit tells beside the positions: the events that readers see from now on, each by its digest.

Postgres delivers a notification once its transaction is committed and visible, or never. So who hears an event
announced need not ask for it; who hears nothing asks.
"""

from collections.abc import Iterable

import msgspec

from patchbay.projection.judging import Arrival

ACCEPTED_CHANNEL = "patchbay_accepted"
MAX_PAYLOAD_CHARACTERS = 7_900  # Postgres takes less than 8,000 bytes


class Announced(msgspec.Struct, frozen=True, gc=False):
    """An accepted event that readers of a generation see."""

    stream: str
    digest: str
    partition: int
    offset: int


def announcements_of(schema: str, arrivals: Iterable[Arrival]) -> list[str]:
    """
    Return payloads that announce these events, as many as their length asks for.

    Args:
        schema: Of the generation that shows them.
        arrivals: In the log's order within each partition.
    """
    payloads: list[str] = []
    words, room = [schema], MAX_PAYLOAD_CHARACTERS - len(schema)
    for arrival in arrivals:
        envelope = arrival.envelope
        word = f"{arrival.partition}:{arrival.offset}:{envelope.stream}:{envelope.digest}"
        room -= len(word) + 1
        if room < 0:
            payloads.append(" ".join(words))
            words, room = [schema], MAX_PAYLOAD_CHARACTERS - len(schema) - len(word) - 1
        words.append(word)
    if len(words) > 1:
        payloads.append(" ".join(words))
    return payloads


def read_announcement(payload: str) -> tuple[str, list[Announced]]:
    """
    Return the schema and the events of a payload.

    Raises:
        ValueError: It is no announcement.
    """
    schema, *words = payload.split(" ")
    return schema, [_read(word) for word in words]


def _read(word: str) -> Announced:
    partition, offset, stream, digest = word.split(":")
    return Announced(stream, digest, int(partition), int(offset))
