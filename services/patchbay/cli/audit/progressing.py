"""How far long work is: a bar on a terminal, else a plain line now and then; always on standard error."""

import sys
import time
from typing import Final, TextIO

_BAR_SECONDS: Final = 0.2  # between two looks of the bar
_LINE_SECONDS: Final = 10.0
_WIDTH: Final = 30


class Progress:
    """Tells how much of a known amount is done."""

    def __init__(self, doing: str, total: int, *, stream: TextIO | None = None) -> None:
        """
        Begin.

        Args:
            doing: As `exporting`.
            total: How many records there are.
            stream: Where to tell it; None: standard error.
        """
        self._doing = doing
        self._total = total
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._begun_at = time.monotonic()
        self._told_at = self._begun_at
        self._has_bar = False

    def reached(self, done: int) -> None:
        """Tell that so many records are done, if it is time to."""
        now = time.monotonic()
        if now - self._told_at < (_BAR_SECONDS if self._is_terminal else _LINE_SECONDS):
            return
        self._told_at = now
        rate = done / (now - self._begun_at)
        share = min(1.0, done / self._total) if self._total else 1.0
        left = max(0, self._total - done) / rate if rate else 0.0
        told = f"{done:,} of {self._total:,} records, {rate:,.0f} a second, {left:.0f} s left"
        if self._is_terminal:
            bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH, ".")
            self._stream.write(f"\r{self._doing} [{bar}] {share:4.0%}  {told}\x1b[K")
            self._has_bar = True
        else:
            self._stream.write(f"patchbay: {self._doing}: {share:.0%}, {told}\n")
        self._stream.flush()

    def end(self) -> None:
        """Take the bar away."""
        if self._has_bar:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._has_bar = False
