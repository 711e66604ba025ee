"""From the API to files: new ones are written, others follow field by field, nothing changed here is lost."""

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from patchbay.cli.errors import BadFile
from patchbay.cli.files import yaml_text
from patchbay.cli.files.directory import Directory
from patchbay.cli.files.fields import KINDS, NAME
from patchbay.cli.files.lock import Entry, Lock, entry_of, write_lock, write_whole
from patchbay.cli.files.merging import Merged, is_changed_here, merge
from patchbay.cli.files.names import file_name_for
from patchbay.cli.files.planning import Remote


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file."""

    file: str
    action: str  # written | changed | removed | kept | unchanged | conflict
    assistant_id: str
    version: int | None = None
    fields: tuple[str, ...] = ()  # that were changed, or are in conflict


class Pull:
    """One pull into one directory."""

    def __init__(self, directory: Directory, *, is_forced: bool) -> None:
        """`is_forced`: the API counts more than what was changed here."""
        self._directory = directory
        self._is_forced = is_forced
        self._entries = dict(directory.lock.assistants)
        self._taken = {file.lower() for file in (*directory.documents, *self._entries)}

    def run(self, remotes: Sequence[Remote], account: str, account_id: str | None) -> list[Pulled]:
        """
        Write what differs, and the lock at last: a pull that was cut off is made whole by the next one.

        Raises:
            BadFile: A file cannot be written.
        """
        files = {entry.id: file for file, entry in self._entries.items()}
        pulled = [self._follow(remote, files.get(remote.id)) for remote in sorted(remotes, key=lambda r: r.id)]
        gone = files.keys() - {remote.id for remote in remotes}
        pulled += [self._remove(files[assistant_id], assistant_id) for assistant_id in sorted(gone)]
        lock = Lock(account=account, account_id=account_id, assistants=self._entries)
        if lock != self._directory.lock:
            write_lock(self._directory.path, lock)
        return sorted(pulled, key=lambda one: one.file)

    def _follow(self, remote: Remote, file: str | None) -> Pulled:
        entry = None if file is None else self._entries[file]
        file = file or self._namesake(remote)
        if file is None:
            return self._write_new(remote, file_name_for(str(remote.fields[NAME]), remote.id, self._taken))
        document = self._directory.documents.get(file)
        if document is None:
            if self._is_forced:
                return self._write_new(remote, file)
            return Pulled(file=file, action="kept", assistant_id=remote.id)  # deleted here: for `apply --prune`
        merged = merge(entry, document.fields, remote.fields)
        if merged.conflicts and self._is_forced:
            changes = {**merged.changes, **{field: remote.fields[field] for field in merged.conflicts}}
            merged = Merged(changes, ())
        if merged.conflicts:
            return Pulled(file=file, action="conflict", assistant_id=remote.id, fields=merged.conflicts)
        self._remember(file, remote)
        if not merged.changes:
            return Pulled(file=file, action="unchanged", assistant_id=remote.id, version=remote.version)
        write_whole(self._directory.path / file, yaml_text.change(document, merged.changes).encode())
        fields = tuple(merged.changes)
        return Pulled(file=file, action="changed", assistant_id=remote.id, version=remote.version, fields=fields)

    def _namesake(self, remote: Remote) -> str | None:
        """Return the file that nobody knows yet and that has this assistant's name."""
        return next(
            (
                file
                for file, document in self._directory.documents.items()
                if file not in self._entries and document.fields[NAME] == remote.fields[NAME]
            ),
            None,
        )

    def _write_new(self, remote: Remote, file: str) -> Pulled:
        self._taken.add(file.lower())
        fields = {name: remote.fields[name] for name in KINDS}
        write_whole(self._directory.path / file, yaml_text.write(fields).encode())
        self._remember(file, remote)
        return Pulled(file=file, action="written", assistant_id=remote.id, version=remote.version)

    def _remove(self, file: str, assistant_id: str) -> Pulled:
        """Remove the file of an assistant that somebody has deleted, unless it was changed here."""
        document = self._directory.documents.get(file)
        entry: Entry = self._entries[file]
        if document is not None and is_changed_here(entry, document.fields) and not self._is_forced:
            return Pulled(file=file, action="conflict", assistant_id=assistant_id)
        if document is not None:
            try:
                with suppress(FileNotFoundError):
                    (self._directory.path / file).unlink()
            except OSError as error:
                raise BadFile(f"{self._directory.path / file} cannot be removed ({error.strerror}).") from None
        del self._entries[file]
        return Pulled(file=file, action="removed", assistant_id=assistant_id)

    def _remember(self, file: str, remote: Remote) -> None:
        self._entries[file] = entry_of(remote.id, remote.version, remote.fields)
