"""What has to be done so that the API has what the files say: decided from files, lock and API, and nothing else."""

from collections.abc import Iterable, Mapping

import msgspec

from patchbay.cli.files.fields import NAME, SETTABLE, TEMPLATE, Fields, Value
from patchbay.cli.files.lock import Entry, Lock, entry_of


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """An assistant as the API has it."""

    id: str
    version: int
    fields: Fields  # with the template


class Change(msgspec.Struct, frozen=True):
    """One field that is to be another."""

    field: str
    before: Value
    after: Value


class Create(msgspec.Struct, frozen=True, kw_only=True):
    """There is a new file."""

    file: str
    fields: Fields


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """A file differs."""

    file: str
    id: str
    version: int
    changes: tuple[Change, ...]


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    """A file is no more."""

    file: str
    id: str
    version: int
    name: str


class Adopt(msgspec.Struct, frozen=True, kw_only=True):
    """A file and the API are alike, and only the lock does not know it yet."""

    file: str
    entry: Entry


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """It cannot be applied. `since`: the version from which on somebody else has moved the assistant."""

    file: str
    why: str
    id: str | None = None
    since: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. `forgotten`: entries of the lock for which there is nothing anywhere."""

    creates: list[Create] = []
    updates: list[Update] = []
    deletes: list[Delete] = []
    adopts: list[Adopt] = []
    refusals: list[Refusal] = []
    forgotten: list[str] = []
    moved_files: dict[str, str] = {}  # new name by old
    unknown: int = 0  # assistants that no file stands for

    @property
    def has_something_to_do(self) -> bool:
        """True if the API is to be changed, or would have to be."""
        return bool(self.creates or self.updates or self.deletes or self.refusals)


def make_plan(files: Mapping[str, Fields], lock: Lock, remotes: Iterable[Remote]) -> Plan:
    """
    Return the plan.

    Args:
        files: The fields of each.
        lock: What the files stood for when they and the API were last alike.
        remotes: The account's assistants.
    """
    by_id = {remote.id: remote for remote in remotes}
    entries = dict(lock.assistants)
    plan = Plan(moved_files=_moved(files, entries, by_id))
    for old, new in plan.moved_files.items():
        entries[new] = entries.pop(old)
    locked = {entry.id for entry in entries.values()}
    for file in sorted(files):
        if file in entries:
            _known(plan, file, files[file], entries[file], by_id.get(entries[file].id))
        else:
            _new(plan, file, files, [r for r in by_id.values() if r.id not in locked])
    for file in sorted(entries.keys() - files.keys()):
        _without_file(plan, file, entries[file], by_id.get(entries[file].id))
    adopted = {adopt.entry.id for adopt in plan.adopts}
    unknown = sum(1 for remote_id in by_id if remote_id not in locked and remote_id not in adopted)
    return msgspec.structs.replace(plan, unknown=unknown)


def _moved(files: Mapping[str, Fields], entries: Mapping[str, Entry], by_id: Mapping[str, Remote]) -> dict[str, str]:
    """Return which files have another name than the lock knows: new here, and named as one that is no more."""
    orphans = {
        by_id[entry.id].fields[NAME]: file for file, entry in entries.items() if file not in files and entry.id in by_id
    }
    found: dict[str, str] = {}
    for file, fields in files.items():
        old = orphans.get(fields[NAME]) if file not in entries else None
        if old is not None and old not in found:
            found[old] = file
    return found


def _known(plan: Plan, file: str, fields: Fields, entry: Entry, remote: Remote | None) -> None:
    if remote is None:
        plan.refusals.append(Refusal(file=file, id=entry.id, since=entry.version, why="was deleted by somebody else"))
        return
    if fields.get(TEMPLATE, remote.fields[TEMPLATE]) != remote.fields[TEMPLATE]:
        why = f"was made from the template {remote.fields[TEMPLATE]}, which cannot be changed"
        plan.refusals.append(Refusal(file=file, id=entry.id, why=why))
        return
    changes = changes_between(remote.fields, fields)
    if not changes:
        if entry.version != remote.version or file in plan.moved_files.values():
            plan.adopts.append(Adopt(file=file, entry=entry_of(remote.id, remote.version, remote.fields)))
    elif entry.version != remote.version:
        why = f"is at version {remote.version}, and the file was made from {entry.version}"
        plan.refusals.append(Refusal(file=file, id=remote.id, since=entry.version, why=why))
    else:
        plan.updates.append(Update(file=file, id=remote.id, version=remote.version, changes=changes))


def _new(plan: Plan, file: str, files: Mapping[str, Fields], unlocked: list[Remote]) -> None:
    fields = files[file]
    if any(other != file and files[other][NAME] == fields[NAME] and other < file for other in files):
        plan.refusals.append(Refusal(file=file, why=f"has the name of another file, {fields[NAME]}"))
        return
    namesakes = [remote for remote in unlocked if remote.fields[NAME] == fields[NAME]]
    if not namesakes:
        plan.creates.append(Create(file=file, fields=fields))
    elif len(namesakes) == 1 and not changes_between(namesakes[0].fields, fields):
        found = namesakes[0]
        plan.adopts.append(Adopt(file=file, entry=entry_of(found.id, found.version, found.fields)))
    else:
        why = f"there is an assistant {fields[NAME]} already, and it is another one: pull first"
        plan.refusals.append(Refusal(file=file, id=namesakes[0].id, why=why))


def _without_file(plan: Plan, file: str, entry: Entry, remote: Remote | None) -> None:
    if remote is None:
        plan.forgotten.append(file)
    elif remote.version != entry.version:
        why = f"is at version {remote.version}, and the file that is gone was made from {entry.version}"
        plan.refusals.append(Refusal(file=file, id=remote.id, since=entry.version, why=why))
    else:
        name = str(remote.fields[NAME])
        plan.deletes.append(Delete(file=file, id=remote.id, version=remote.version, name=name))


def changes_between(before: Fields, after: Fields) -> tuple[Change, ...]:
    """Return the fields that `after` names and that differ; those that it does not name are left alone."""
    return tuple(
        Change(field, before.get(field), after[field])
        for field in SETTABLE
        if field in after and after[field] != before.get(field)
    )
