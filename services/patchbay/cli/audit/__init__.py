"""`patchbay audit`: what the log proves, and what it is kept in."""

from patchbay.cli.audit.command import main

__all__ = ["main"]
