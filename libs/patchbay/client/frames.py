"""Server-sent events: from bytes to what they tell."""

from typing import Final

import msgspec

MOST_LINE_BYTES: Final = 4 * 1024 * 1024  # an event's own body has at most 256 KiB


class FrameTooLong(Exception):
    """A line does not end; what sends it is no event stream of ours."""


class Frame(msgspec.Struct, frozen=True):
    """What one block tells. An empty text: nothing."""

    cursor: str
    data: str
    retry: str


class Frames:
    """
    Reads blocks out of pieces that are cut anywhere.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6; but a lone CR ends no line.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._members: dict[str, str] = {}

    def feed(self, piece: bytes) -> list[Frame]:
        """
        Return the blocks that end in this piece; one that has not ended is not told.

        Raises:
            FrameTooLong: A line, or the data of a block, has no end.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        frames = [frame for line in lines if (frame := self._line(line.removesuffix(b"\r"))) is not None]
        if len(self._rest) > MOST_LINE_BYTES or len(self._members.get("data", "")) > MOST_LINE_BYTES:
            raise FrameTooLong(f"a line has more than {MOST_LINE_BYTES:,} bytes")
        return frames

    def _line(self, line: bytes) -> Frame | None:
        if not line:
            members, self._members = self._members, {}
            return Frame(members.get("id", ""), members.get("data", ""), members.get("retry", "")) if members else None
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data" and "data" in self._members:
            self._members["data"] += "\n" + value
        elif name:  # a comment has none
            self._members[name] = value
        return None
