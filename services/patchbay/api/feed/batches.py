"""What one pass over the history gives to the streams of one account: rendered once, however many they are."""

from collections.abc import Callable, Sequence
from functools import cached_property

import msgspec

from patchbay.api.streaming import frame

WriteCursor = Callable[[Sequence[int]], str]


def id_line(cursor: str) -> bytes:
    """Return the line that names the place in the log."""
    return b"id: %b\n" % cursor.encode("ascii")


class ToldEvent(msgspec.Struct, frozen=True):
    """An event, rendered, and where it lies."""

    partition: int
    offset: int
    type: str
    lines: bytes  # all but its id
    positions: tuple[int, ...]  # next offsets of all partitions behind it


class Batch:
    """Events of one account, in the order in which they are told."""

    def __init__(self, write_cursor: WriteCursor) -> None:
        self.events: list[ToldEvent] = []
        self._write_cursor = write_cursor

    @cached_property
    def lines(self) -> bytes:
        """All of it, for whoever gets all of it."""
        return b"".join([id_line(self._write_cursor(event.positions)) + event.lines for event in self.events])

    @cached_property
    def framed(self) -> bytes:
        """The same as one chunk."""
        return frame(self.lines)
