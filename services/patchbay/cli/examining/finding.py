"""What one look has shown."""

import msgspec

RUNBOOK = "docs/runbook.md"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    check: str  # stable snake_case, for scripts
    is_well: bool | None  # None: it could not be looked at
    sentence: str  # what was found
    remedy: str | None = None  # what to do about it


def well(check: str, sentence: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(check=check, is_well=True, sentence=sentence)


def wrong(check: str, sentence: str, remedy: str) -> Finding:
    """Return that something is not as it should be, and what to do."""
    return Finding(check=check, is_well=False, sentence=sentence, remedy=remedy)


def unseen(check: str, sentence: str, remedy: str) -> Finding:
    """Return that something could not be looked at, and how it can be."""
    return Finding(check=check, is_well=None, sentence=sentence, remedy=remedy)


def page(anchor: str) -> str:
    """Return where the runbook tells what to do."""
    return f"see {RUNBOOK}#{anchor}"
