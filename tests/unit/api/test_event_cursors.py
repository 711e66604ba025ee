"""The id of an event in a stream: a vector of positions that reads back as it was written, or not at all."""

from base64 import urlsafe_b64encode
from random import Random

import pytest

from patchbay.api.feed.cursors import Cursors
from patchbay.api.tokens import MalformedToken, TokenOfAnotherLog

LOG = "ab" * 32


def test_positions_read_back_as_they_were_written() -> None:
    random = Random(7)
    for _ in range(500):
        positions = [random.randrange(2 ** random.randrange(1, 63)) for _ in range(random.randrange(1, 40))]
        cursors = Cursors(LOG, len(positions))

        assert cursors.read(cursors.write(positions)) == positions


def test_an_id_is_short() -> None:
    """Four partitions of a million events each."""
    assert len(Cursors(LOG, 4).write([1_000_000] * 4)) == 27


def test_an_id_of_another_log_is_told_apart() -> None:
    with pytest.raises(TokenOfAnotherLog):
        Cursors("cd" * 32, 1).read(Cursors(LOG, 1).write([5]))


def test_an_id_of_another_number_of_partitions_is_malformed() -> None:
    for written, read in ((1, 2), (2, 1)):
        with pytest.raises(MalformedToken):
            Cursors(LOG, read).read(Cursors(LOG, written).write([5] * written))


def test_nothing_but_what_was_written_can_be_read() -> None:
    """Neither with a byte more, less or changed: one place has one id."""
    cursors = Cursors(LOG, 3)
    text = cursors.write([1, 300, 70_000])
    readable = set()
    for changed in [text[:n] for n in range(len(text))] + [text + "A", text + "AA", text + "=", " " + text, ""]:
        with pytest.raises(MalformedToken):
            cursors.read(changed)
    for place in range(len(text)):
        for character in "AZaz09-_.":
            try:
                positions = cursors.read(text[:place] + character + text[place + 1 :])
            except MalformedToken:
                continue
            readable.add(cursors.write(positions) == text[:place] + character + text[place + 1 :])

    assert readable <= {True}


def test_a_number_has_one_spelling() -> None:
    """No zeros in front, and none above what an offset can be."""
    cursors = Cursors(LOG, 1)
    log = bytes.fromhex(LOG)[:8]
    for packed in (b"\x85\x00", b"\xff" * 9 + b"\x01", b"\x80", b""):
        with pytest.raises(MalformedToken):
            cursors.read(urlsafe_b64encode(log + packed).rstrip(b"=").decode())
