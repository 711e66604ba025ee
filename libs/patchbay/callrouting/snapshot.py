"""
A snapshot of the table: how it looks on the way, and how a subscriber starts from it.

Lines of JSON, each an array whose first element says what it is. The first is `snapshot`, the last is `end` with the
count of lines before it, so that a transfer that broke off is known. All of them are of one moment: heads and facts are
those that the records below the positions lead to.
"""

from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus
from typing import Annotated, Final, assert_never

import aiohttp
import msgspec

from patchbay.callrouting.entries import ACTIVE, Redirect
from patchbay.callrouting.errors import NumberTwice, SnapshotUnusable
from patchbay.callrouting.following import Following
from patchbay.eventlog import Head, LogIdentity

SNAPSHOT_TYPE: Final = "application/vnd.patchbay.routing-snapshot.v1+ndjson"
_CONNECT_SECONDS = 5.0
_SILENCE_SECONDS = 15.0  # between two pieces
_PIECE_BYTES = 256 * 1024


_Digest = Annotated[str, msgspec.Meta(min_length=64, max_length=64)]


class _Line(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=False, gc=False):
    pass


class SnapshotLine(_Line, frozen=True, tag="snapshot"):
    """Of which log."""

    log_id: str
    partition_count: int


class PositionLine(_Line, frozen=True, tag="position"):
    """From where a partition is to be read on."""

    partition: int
    next_offset: int
    fingerprint: _Digest | None  # of the record before, 64 hex digits; None: unknown


class BlockedLine(_Line, frozen=True, tag="blocked"):
    """A stream whose facts stay as they are: it has an event that could not be folded."""

    stream: str


class NumberLine(_Line, frozen=True, tag="number"):
    """What a number's stream says."""

    number_id: str
    phone_number: str
    account_id: str | None
    registration: int
    status: str
    fallback: str | None


class AnsweringLine(_Line, frozen=True, tag="answering"):
    """An assistant that answers calls."""

    account_id: str
    assistant_id: str


class HoldingLine(_Line, frozen=True, tag="holding"):
    """An account's word that an assistant of its own holds a number."""

    account_id: str
    assistant_id: str
    number_id: str
    registration: int


class HeadLine(_Line, frozen=True, tag="head"):
    """Where a stream ends."""

    stream: str
    height: int
    digest: _Digest
    stopped_by: _Digest | None


class EndLine(_Line, frozen=True, tag="end"):
    """That nothing is missing."""

    lines: int  # before this one


Line = SnapshotLine | PositionLine | BlockedLine | NumberLine | AnsweringLine | HoldingLine | HeadLine | EndLine
_DECODER: Final = msgspec.json.Decoder(Line)


class SnapshotReader:
    """Takes a snapshot's pieces over as they come."""

    def __init__(self, identity: LogIdentity) -> None:
        self.following = Following(identity)
        self._lines = 0
        self._is_begun = self._is_ended = False
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """
        Take over the next piece, of any length.

        Raises:
            SnapshotUnusable: It is none, or of another log.
        """
        complete, newline, rest = piece.rpartition(b"\n")
        if not newline:
            self._rest += piece
            return
        complete, self._rest = self._rest + complete, rest
        try:
            self._take(_DECODER.decode_lines(complete))
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, NumberTwice) as error:
            raise SnapshotUnusable(f"behind line {self._lines}: {error}") from error

    def finish(self) -> Following:
        """
        Return what the whole snapshot leads to.

        Raises:
            SnapshotUnusable: Something is missing.
        """
        if not self._is_ended or self._rest:
            raise SnapshotUnusable("it broke off")
        return self.following

    def _take(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if not self._is_begun and not isinstance(line, SnapshotLine):
                raise ValueError("it does not begin with its first line")
            if self._is_ended:
                raise ValueError("something comes behind the last line")
            self._take_one(line)
            self._lines += 1

    def _take_one(self, line: Line) -> None:
        following = self.following
        match line:
            case HoldingLine():
                following.table.restore_holding(line.account_id, line.assistant_id, line.number_id, line.registration)
            case HeadLine():
                name = following.table.name_of(line.stream)
                following.heads.put(name, Head(line.height, line.digest, "", line.stopped_by))
            case NumberLine():
                self._take_number(line)
            case AnsweringLine():
                following.table.restore_answering(line.account_id, line.assistant_id)
            case PositionLine():
                self._take_position(line)
            case BlockedLine():
                following.blocked.add(line.stream)
            case SnapshotLine():
                self._begin(line)
            case EndLine():
                self._end(line)
            case _:
                assert_never(line)

    def _begin(self, line: SnapshotLine) -> None:
        identity = self.following.identity
        if self._is_begun:
            raise ValueError("it begins twice")
        if (line.log_id, line.partition_count) != (identity.log_id, identity.partition_count):
            raise ValueError(f"it is of log {line.log_id}, not of {identity.log_id}")
        self._is_begun = True

    def _take_position(self, line: PositionLine) -> None:
        if line.partition not in self.following.next_offsets:
            raise ValueError(f"there is no partition {line.partition}")
        self.following.next_offsets[line.partition] = line.next_offset
        if line.fingerprint is not None:
            self.following.fingerprints[line.partition] = bytes.fromhex(line.fingerprint)

    def _take_number(self, line: NumberLine) -> None:
        is_plain = line.status == ACTIVE and line.fallback is None
        self.following.table.restore_number(
            line.number_id,
            line.phone_number,
            line.account_id,
            registration=line.registration,
            redirect=None if is_plain or line.account_id is None else Redirect(line.status, line.fallback),
        )

    def _end(self, line: EndLine) -> None:
        if line.lines != self._lines:
            raise ValueError(f"{line.lines} lines were sent, {self._lines} came")
        self._is_ended = True


async def fetch_snapshot(url: str, api_key: str | None, identity: LogIdentity) -> Following:
    """
    Fetch a snapshot over HTTP and return what it leads to.

    Args:
        url: Of the API, `http://host:port/api/routing/snapshot`.
        api_key: An operator's, with the scope `routing:read`.
        identity: The log that is followed.

    Raises:
        SnapshotUnusable: It could not be fetched, broke off, or is of another log.
    """
    reader = SnapshotReader(identity)
    try:
        async for piece in _pieces(url, api_key):
            reader.feed(piece)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise SnapshotUnusable(f"{type(error).__name__}: {error}") from error
    return reader.finish()


async def _pieces(url: str, api_key: str | None) -> AsyncIterator[bytes]:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
    headers = {"Accept": SNAPSHOT_TYPE}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key}"
    async with (
        aiohttp.ClientSession(timeout=timeout, read_bufsize=_PIECE_BYTES) as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        if answer.status != HTTPStatus.OK or answer.content_type != SNAPSHOT_TYPE:
            raise SnapshotUnusable(f"the answer is {answer.status} {answer.content_type}")
        async for piece in answer.content.iter_any():
            yield piece
