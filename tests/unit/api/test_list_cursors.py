"""Cursors lead on in the list that they were given out with, and in no other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.api.list_cursors import CURSOR_CHARACTERS, ListCursors, Place
from patchbay.api.tokens import MalformedToken
from patchbay.assistants.fields import NAME_CHARACTERS
from patchbay.assistants.searching import fold_name

CURSORS = ListCursors("ab" * 32)
PLACES = st.builds(Place, st.text(max_size=NAME_CHARACTERS).map(fold_name), st.integers(0, 2**62))


@given(st.binary(max_size=300), PLACES)
def test_a_cursor_leads_back_to_its_place(question: bytes, place: Place) -> None:
    cursor = CURSORS.write(question, place)

    assert len(cursor) <= CURSOR_CHARACTERS
    assert CURSORS.read(question, cursor) == place


@given(st.binary(max_size=30), PLACES, st.data())
def test_no_other_character_goes_unnoticed(question: bytes, place: Place, data: st.DataObject) -> None:
    cursor = CURSORS.write(question, place)
    index = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("Aa0-_!é").filter(lambda character: character != cursor[index]))

    with pytest.raises(MalformedToken):
        CURSORS.read(question, cursor[:index] + other + cursor[index + 1 :])


def test_a_cursor_is_of_one_question_and_one_log() -> None:
    cursor = CURSORS.write(b"one", Place("a", 1))

    for cursors, question in ((CURSORS, b"two"), (ListCursors("cd" * 32), b"one")):
        with pytest.raises(MalformedToken):
            cursors.read(question, cursor)


@pytest.mark.parametrize("cursor", ["", "A", "A" * 22, "A" * (CURSOR_CHARACTERS + 1), "\x00", "ü"])
def test_what_was_never_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(MalformedToken):
        CURSORS.read(b"one", cursor)
