"""Imports that leave out what a library would take along, and nobody here uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Have these packages look as if they were not installed while the body imports; what is there already stays."""
    hidden = [package for package in packages if package not in sys.modules]
    for package in hidden:
        sys.modules[package] = None  # type: ignore[assignment] # Python's own sign for this
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]
