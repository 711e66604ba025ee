"""How names are compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.assistants.fields import NAME_CHARACTERS
from patchbay.assistants.searching import fold_name

WIDEST = (0x1D160, 0x0390, 0xFB2C, 0x1F6FF)  # by 12, 6, 6 and 4 bytes


@pytest.mark.parametrize(
    ("one", "other"),
    [("Sales AGENT", "sales agent"), ("Straße", "STRASSE"), ("caf\u00e9", "CAFE\u0301"), ("ΣΊΣΥΦΟΣ", "σίσυφος")],
)
def test_what_people_take_for_the_same_is_the_same(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing_more(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)


def test_a_folded_name_fits_an_index() -> None:
    """A row of an index has room for 2,704 bytes, and the account's id stands in it too."""
    folded = max((fold_name(chr(code) * NAME_CHARACTERS) for code in WIDEST), key=lambda name: len(name.encode()))

    assert len(folded.encode()) == 2_400
