"""The id of an event in a stream: up to where each partition has been told, in few characters."""

from collections.abc import Sequence
from typing import Final

from patchbay.api.tokens import LOG_BYTES, MalformedToken, TokenOfAnotherLog, from_text, to_text

_MOST_CHARACTERS: Final = 6_000  # below what a header field may have; 1,000 partitions of a million events have 4,000
_END: Final = 2**63
_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80


class Cursors:
    """
    Reads and writes cursors of one log: its mark, then the next offset of each partition in order.

    An offset takes seven bits a byte, the lowest first; all bytes but its last have the highest bit set.
    """

    def __init__(self, log_id: str, partition_count: int) -> None:
        self._log = bytes.fromhex(log_id)[:LOG_BYTES]
        self.partition_count = partition_count

    def write(self, positions: Sequence[int]) -> str:
        """Return the cursor at these next offsets, one for each partition."""
        packed = bytearray(self._log)
        for position in positions:
            rest = position
            while rest > _SEVEN_BITS:
                packed.append(rest & _SEVEN_BITS | _MORE)
                rest >>= 7
            packed.append(rest)
        return to_text(bytes(packed))

    def read(self, text: str) -> list[int]:
        """
        Return the next offsets.

        Raises:
            MalformedToken: Not a cursor of ours.
            TokenOfAnotherLog: Of another log.
        """
        packed = from_text(text, most_characters=_MOST_CHARACTERS)
        log, rest = packed[:LOG_BYTES], packed[LOG_BYTES:]
        if len(log) != LOG_BYTES or not rest or rest[-1] & _MORE:
            raise MalformedToken(text)
        if log != self._log:
            raise TokenOfAnotherLog(text)
        positions = list(_read_numbers(rest))
        # A number has one spelling: else two cursors of one place could differ.
        if len(positions) != self.partition_count or max(positions) >= _END or self.write(positions) != text:
            raise MalformedToken(text)
        return positions


def _read_numbers(packed: bytes) -> Sequence[int]:
    numbers: list[int] = []
    number = shift = 0
    for octet in packed:
        number |= (octet & _SEVEN_BITS) << shift
        shift += 7
        if not octet & _MORE:
            numbers.append(number)
            number = shift = 0
    return numbers
