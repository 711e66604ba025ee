"""Header names that are no text: read such that no two different ones look alike."""

import pytest

from patchbay.eventlog.lenient import texts_of


def test_names_that_are_text_stay_as_they_are() -> None:
    assert texts_of([b"ce_id", "gr\u00fc\u00dfe".encode(), b""]) == ["ce_id", "gr\u00fc\u00dfe", ""]


@pytest.mark.parametrize(
    "names",
    [
        [b"x\xff", b"x\\xff"],
        [b"x\\xff", b"x\xff"],
        [b"x\xff", b"x\\xff", b"x\\xff\\"],
        [b"\xff", b"\xfe", b"\xff\xfe"],
    ],
)
def test_different_names_never_look_alike(names: list[bytes]) -> None:
    """Other readers compare bytes: a name that seems to come twice here alone would part the readers' verdicts."""
    assert len(set(texts_of(names))) == len(names)


def test_a_name_that_comes_twice_does_so_as_text_too() -> None:
    first, second, third = texts_of([b"\xff", b"a", b"\xff"])

    assert first == third != second
