"""What was measured, for people: shown behind the results of a run."""

from typing import Protocol

import pytest

NOTES = pytest.StashKey[list[str]]()


class Note(Protocol):
    """Takes a line that is shown at the end."""

    def __call__(self, line: str) -> None:
        """Keep the line."""
