"""How time is cut into pieces that all processes count in."""

from typing import Final

WINDOW_SECONDS: Final = 3_600
SLOT_SECONDS: Final = 120  # what was used comes back an hour after its slot's end; finer ones cost memory in each copy
SLOTS: Final = WINDOW_SECONDS // SLOT_SECONDS


def slot_at(seconds: float) -> int:
    """
    Return the number of the slot, the same for every process.

    Args:
        seconds: Since 1970. Clocks that differ by some seconds put what happened into neighbouring slots, no more.
    """
    return int(seconds // SLOT_SECONDS)
