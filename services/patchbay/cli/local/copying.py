"""A running copy of the past: `patchbay up` on what an export holds, as of a moment."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from patchbay.cli.local.directory import DataDirectory
from patchbay.cli.local.errors import CannotStart, DirectoryOccupied
from patchbay.cli.whereabouts import LogAccess

COPY_FILE: Final = "copy.json"
_STATE: Final = ("kafka", "postgres", "ports.json", "endpoints.json", "operator.key")


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """What a data directory is, or is to be, a copy of."""

    export: str  # the folder's path
    log: str
    until: str | None  # ISO 8601, UTC, six digits; None: all of it
    is_whole: bool = False


def copy_of(export: Path, until: str | None) -> Copy:
    """
    Return what a directory would be a copy of.

    Raises:
        CannotStart: There is no such export, or it is of one account alone.
    """
    from patchbay.audit import AuditError, read_manifest  # noqa: PLC0415 -- most starts copy nothing

    try:
        manifest = read_manifest(export)
    except AuditError as error:
        raise CannotStart(f"{error}.") from None
    if manifest.account is not None:
        raise CannotStart(f"{export} is an export of one account: only one of the whole log can be run.")
    return Copy(export=str(export.absolute()), log=manifest.log_id, until=until)


def claim(directory: DataDirectory, wanted: Copy | None) -> Copy | None:
    """
    Return what the directory is a copy of, whole or not yet; None: of nothing.

    Raises:
        DirectoryOccupied: It is something else than is wanted.
    """
    kept = directory.read_document(COPY_FILE)
    found = None if kept is None else msgspec.json.decode(kept, type=Copy)
    if wanted is None:
        if found is not None and not found.is_whole:
            raise DirectoryOccupied(directory.path, "a copy that was not completed")
        return found
    if found is None and not any((directory.path / name).exists() for name in _STATE):
        directory.write_document(COPY_FILE, msgspec.json.encode(wanted))
        return wanted
    if found is None:
        raise DirectoryOccupied(directory.path, "another Patchbay")
    if not found.is_whole:
        raise DirectoryOccupied(directory.path, "a copy that was not completed")
    if (found.log, found.until) != (wanted.log, wanted.until):
        raise DirectoryOccupied(directory.path, f"a copy of {found.export} as of {found.until or 'its end'}")
    return found


async def fill(directory: DataDirectory, wanted: Copy, log: LogAccess) -> Copy:
    """
    Fill the topic, which must be empty, and note that it is whole.

    Raises:
        CliError: The export is damaged, the topic is not empty, or the brokers do not answer.
    """
    from patchbay.cli.audit.importing import import_export  # noqa: PLC0415 -- see above
    from patchbay.cli.audit.log_access import guarded  # noqa: PLC0415 -- see above

    def work() -> None:
        guarded(
            log,
            lambda: asyncio.run(import_export(Path(wanted.export), log, partitions=None, until=wanted.until)),
        )

    await asyncio.to_thread(work)  # it computes for long, and signals are to be heard meanwhile
    whole = msgspec.structs.replace(wanted, is_whole=True)
    directory.write_document(COPY_FILE, msgspec.json.encode(whole))
    return whole
