"""Examples of properties may take their time."""

from tests.unhurried import PROFILE

__all__ = ["PROFILE"]  # imported for what it sets
