"""How often tests repeat what may go wrong seldom: for a developer who waits, or as CI and releases have it."""

import os

IS_THOROUGH = bool(os.environ.get("THOROUGH"))


def rounds(usual: int, thorough: int) -> int:
    """Return one of the two: the second if `THOROUGH` is set."""
    return thorough if IS_THOROUGH else usual


def breath(seconds: float) -> float:
    """Return for how long a client that goes on and on rests between two rounds: not at all if `THOROUGH` is set."""
    return 0.0 if IS_THOROUGH else seconds
