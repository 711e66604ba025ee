"""From files to the API: one idempotent write each, and the lock after each of them."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec

from patchbay.cli.errors import Moved
from patchbay.cli.files.directory import Directory
from patchbay.cli.files.fields import NAME, TEMPLATE
from patchbay.cli.files.lock import Entry, Lock, entry_of, write_lock
from patchbay.cli.files.planning import Create, Delete, Plan, Update
from patchbay.cli.files.server import Server, remote_of
from patchbay.client import Assistant, Changes, Configuration, Conflict, NotFound, VersionMismatch


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one file."""

    file: str
    action: str  # created | updated | deleted
    assistant_id: str
    version: int | None = None
    warnings: tuple[str, ...] = ()


class Applying:
    """Carries out one plan."""

    def __init__(self, directory: Directory, server: Server) -> None:
        self._directory = directory
        self._server = server
        self._entries = dict(directory.lock.assistants)

    async def run(self, plan: Plan, *, prunes: bool) -> AsyncIterator[Applied]:
        """
        Do it, and yield what was done.

        Whoever ends this at any point may run it again: an update is named by its content and the version under it, so
        it takes effect once; a creation that had taken effect is found by its name, a deletion by its being gone.

        Raises:
            Moved: Somebody else was faster; what was yielded is done.
            PatchbayError: The API says no, or nobody knows; what was yielded is done.
            BadFile: The lock cannot be written.
        """
        for old, new in plan.moved_files.items():
            self._entries[new] = self._entries.pop(old)
        for adopt in plan.adopts:
            self._entries[adopt.file] = adopt.entry
        for file in plan.forgotten:
            del self._entries[file]
        self._save()
        for update in plan.updates:
            yield self._done(update.file, "updated", await self._update(update))
        for create in plan.creates:
            yield self._done(create.file, "created", await self._create(create))
        for delete in plan.deletes if prunes else ():
            await self._delete(delete)
            del self._entries[delete.file]
            self._save()
            yield Applied(file=delete.file, action="deleted", assistant_id=delete.id)

    def _done(self, file: str, action: str, assistant: Assistant) -> Applied:
        remote = remote_of(assistant)
        self._entries[file] = entry_of(remote.id, remote.version, remote.fields)
        self._save()
        warnings = tuple(f"{issue.path}: {issue.message}" for issue in assistant.warnings)
        return Applied(file=file, action=action, assistant_id=remote.id, version=remote.version, warnings=warnings)

    async def _update(self, update: Update) -> Assistant:
        changes = {change.field: change.after for change in update.changes}
        key = idempotency_key(update.id, update.version, changes)
        try:
            return await self._server.patchbay.assistants.update(
                update.id, if_match=update.version, idempotency_key=key, **cast("Changes", changes)
            )
        except (VersionMismatch, NotFound) as error:
            raise _moved(update.file) from error

    async def _create(self, create: Create) -> Assistant:
        fields: dict[str, Any] = {k: v for k, v in create.fields.items() if k not in (NAME, TEMPLATE)}
        template = create.fields.get(TEMPLATE)
        try:
            return await self._server.patchbay.assistants.declare(
                str(create.fields[NAME]),
                template=None if template is None else str(template),
                only_new=True,
                **cast("Configuration", fields),
            )
        except VersionMismatch as error:
            raise _moved(create.file) from error
        except Conflict as error:
            if error.code == "ambiguous_name":
                raise _moved(create.file) from error
            raise

    async def _delete(self, delete: Delete) -> None:
        key = idempotency_key(delete.id, delete.version, {})
        try:
            await self._server.patchbay.assistants.delete(delete.id, if_match=delete.version, idempotency_key=key)
        except NotFound:
            return  # as it was to be
        except VersionMismatch as error:
            raise _moved(delete.file) from error

    def _save(self) -> None:
        entries: dict[str, Entry] = dict(self._entries)
        lock = Lock(account=self._server.account, account_id=self._server.account_id, assistants=entries)
        if lock != self._directory.lock:
            write_lock(self._directory.path, lock)


def idempotency_key(assistant_id: str, version: int, changes: dict[str, Any]) -> str:
    """Return the name of a change: the same for the same content on the same version, whoever applies it when."""
    content = json.dumps([assistant_id, version, changes], sort_keys=True)
    return "files-" + hashlib.sha256(content.encode()).hexdigest()[:40]


def _moved(file: str) -> Moved:
    return Moved(f"{file}: somebody else was faster this very moment: pull, look at it, and apply again.")
