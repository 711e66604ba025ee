"""Cursors of lists that can be asked for in many ways: each leads on in the very list that it was given out with."""

import hashlib
import hmac
from typing import Final

import msgspec

from patchbay.api.tokens import MalformedToken, from_text, to_text

CURSOR_CHARACTERS: Final = 3_300  # a folded name has at most 2,400 bytes; a whole query, 4,000 characters
_SEAL_BYTES: Final = 16


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Behind which row of a list one goes on; it need not be there any more."""

    key: str  # what the list is sorted by
    height: int  # of its creation


_decode = msgspec.msgpack.Decoder(Place).decode


class ListCursors:
    """Reads and writes cursors. Sealed with the log's id, which no client learns, and with what was asked for."""

    def __init__(self, log_id: str) -> None:
        self._seal_key = hashlib.sha256(b"patchbay:list-cursor\0" + bytes.fromhex(log_id)).digest()

    def write(self, question: bytes, place: Place) -> str:
        """
        Return the cursor that leads on behind `place`.

        Args:
            question: What tells this list from all others: whose, which rows, in which order.
            place: The last row shown.
        """
        packed = msgspec.msgpack.encode(place)
        return to_text(self._seal(question, packed) + packed)

    def read(self, question: bytes, cursor: str) -> Place:
        """
        Return where to go on.

        Raises:
            MalformedToken: Not a cursor of ours, or of another list.
        """
        sealed = from_text(cursor, most_characters=CURSOR_CHARACTERS)
        seal, packed = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(question, packed)):
            raise MalformedToken(cursor)
        return _decode(packed)

    def _seal(self, question: bytes, packed: bytes) -> bytes:
        length = len(question).to_bytes(4, "big")
        return hmac.digest(self._seal_key, length + question + packed, "sha256")[:_SEAL_BYTES]
