"""The opaque tokens that clients carry: positions in the log, and names of commands."""

import binascii
import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

import msgspec

from patchbay.api.writing.outcomes import CommandReference, Position

COMMAND_PREFIX = "cmd_"
TOKEN_CHARACTERS = 1024  # longer ones are not ours
MOST_TOKENS = 32  # of positions, in one request

LOG_BYTES = 8  # of the log's id: enough to tell two logs apart
_POSITION = struct.Struct(">HQ")  # partition, next offset
_SEAL_BYTES = 16


class MalformedToken(Exception):
    """The text is not a token that was given out here."""


class TokenOfAnotherLog(MalformedToken):
    """The token was given out for another log."""


class CommandToken(msgspec.Struct, frozen=True):
    """Which command, and who may ask. `releases`: the number whose release this command only begins."""

    reference: CommandReference
    account_id: str | None  # None: the operators
    releases: str | None = None


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    """A command's token in few bytes: it stands in a URL."""

    stream: str
    height: int
    digest: bytes
    command_id: bytes
    account_id: str | None
    releases: str | None


_decode = msgspec.msgpack.Decoder(_Packed).decode


class Tokens:
    """
    Reads and writes tokens of one log.

    A command's token is sealed with the log's id, which no client learns: it cannot be made up, and needs no memory.
    """

    def __init__(self, log_id: str, partition_count: int) -> None:
        self._log = bytes.fromhex(log_id)[:LOG_BYTES]
        self._partition_count = partition_count
        self._seal_key = hashlib.sha256(b"patchbay:command-token\0" + bytes.fromhex(log_id)).digest()

    def write_positions(self, positions: Sequence[Position]) -> str:
        """Return the token of these positions, at most one per partition."""
        packed = b"".join([_POSITION.pack(position.partition, position.next_offset) for position in positions])
        return to_text(self._log + packed)

    def read_positions(self, token: str) -> dict[int, int]:
        """
        Return the next offsets by partition.

        Raises:
            MalformedToken: Not a token of ours.
            TokenOfAnotherLog: Of another log.
        """
        packed = from_text(token)
        log, rest = packed[:LOG_BYTES], packed[LOG_BYTES:]
        if len(log) != LOG_BYTES or not rest or len(rest) % _POSITION.size:
            raise MalformedToken(token)
        if log != self._log:
            raise TokenOfAnotherLog(token)
        positions = dict(_POSITION.iter_unpack(rest))
        if max(positions) >= self._partition_count or max(positions.values()) >= 2**63:
            raise MalformedToken(token)
        return positions

    def read_all_positions(self, text: str) -> dict[int, int]:
        """
        Return the next offsets by partition that are reached where all of these tokens are, with commas between them.

        Raises:
            MalformedToken: Not tokens of ours, or too many of them.
            TokenOfAnotherLog: One is of another log.
        """
        tokens = text.split(",")
        if len(tokens) > MOST_TOKENS:
            raise MalformedToken(text[:TOKEN_CHARACTERS])
        reached: dict[int, int] = {}
        for token in tokens:
            for partition, next_offset in self.read_positions(token.strip()).items():
                reached[partition] = max(next_offset, reached.get(partition, 0))
        return reached

    def write_command(self, command: CommandToken) -> str:
        """Return the name under which the command can be asked for."""
        reference = command.reference
        packed = msgspec.msgpack.encode(
            _Packed(
                stream=reference.stream,
                height=reference.height,
                digest=bytes.fromhex(reference.digest),
                command_id=bytes.fromhex(reference.command_id),
                account_id="" if command.account_id == reference.stream else command.account_id,
                releases=command.releases,
            )
        )
        return COMMAND_PREFIX + to_text(self._seal(packed) + packed)

    def read_command(self, token: str) -> CommandToken:
        """
        Return the command that the token names.

        Raises:
            MalformedToken: Not a token of ours, or of another log.
        """
        if not token.startswith(COMMAND_PREFIX):
            raise MalformedToken(token)
        sealed = from_text(token[len(COMMAND_PREFIX) :])
        seal, packed = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(packed)):
            raise MalformedToken(token)
        found = _decode(packed)
        reference = CommandReference(found.stream, found.height, found.digest.hex(), found.command_id.hex())
        return CommandToken(reference, found.stream if found.account_id == "" else found.account_id, found.releases)

    def _seal(self, packed: bytes) -> bytes:
        return hmac.digest(self._seal_key, packed, "sha256")[:_SEAL_BYTES]


def to_text(octets: bytes) -> str:
    """Return the bytes as text that can stand in a URL and in a header."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def from_text(text: str, *, most_characters: int = TOKEN_CHARACTERS) -> bytes:
    """
    Return the bytes that `to_text` wrote.

    Raises:
        MalformedToken: It did not write this.
    """
    if not text or len(text) > most_characters or not text.isascii():
        raise MalformedToken(text)
    try:
        octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise MalformedToken(text) from error
    if to_text(octets) != text:  # one token, one spelling
        raise MalformedToken(text)
    return octets
