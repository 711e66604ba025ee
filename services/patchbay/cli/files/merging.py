"""What a pull does to a file that was changed here while somebody else changed the assistant."""

import msgspec

from patchbay.cli.files.fields import KINDS, Fields, Value, digest_of
from patchbay.cli.files.lock import Entry


class Merged(msgspec.Struct, frozen=True):
    """What of a file is to be changed; and the fields that were changed on both sides, each to something else."""

    changes: dict[str, Value]
    conflicts: tuple[str, ...]


def merge(base: Entry | None, local: Fields, remote: Fields) -> Merged:
    """
    Return what of the file has to follow the API, field by field.

    Args:
        base: The digests of when both were last alike; None: they never were.
        local: The file's fields. One that it does not name is not its business.
        remote: The assistant's.
    """
    changes: dict[str, Value] = {}
    conflicts: list[str] = []
    for field in KINDS:
        if field not in local or local[field] == remote[field]:
            continue
        known = None if base is None else base.fields.get(field)
        if known == digest_of(local[field]):
            changes[field] = remote[field]
        elif known != digest_of(remote[field]):
            conflicts.append(field)
    return Merged(changes, tuple(conflicts))


def is_changed_here(base: Entry, local: Fields) -> bool:
    """True if the file is not what it was when both were last alike."""
    return any(base.fields.get(field) != digest_of(value) for field, value in local.items())
