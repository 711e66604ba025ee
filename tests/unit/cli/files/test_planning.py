"""What is to be done, decided from files, lock and API."""

from typing import Any

from patchbay.cli.files.fields import KINDS, Fields
from patchbay.cli.files.lock import Lock, entry_of
from patchbay.cli.files.merging import merge
from patchbay.cli.files.names import file_name_for, is_file_name
from patchbay.cli.files.planning import Change, Remote, make_plan

ALL: dict[str, Any] = {**dict.fromkeys(KINDS), "name": "Desk", "template": "custom", "temperature": 0.7}


def remote(number: int = 1, version: int = 3, **fields: Any) -> Remote:
    return Remote(id=f"asst_{number}", version=version, fields={**ALL, **fields})


def locked(**files: Remote) -> Lock:
    return Lock(assistants={f"{file}.yaml": entry_of(r.id, r.version, r.fields) for file, r in files.items()})


def files(**named: Fields) -> dict[str, Fields]:
    return {f"{file}.yaml": fields for file, fields in named.items()}


def test_alike_there_is_nothing_to_do() -> None:
    """Fields that the file does not name are not its business."""
    plan = make_plan(files(desk={"name": "Desk"}), locked(desk=remote()), [remote(), remote(2, name="Other")])

    assert not plan.has_something_to_do
    assert not plan.adopts
    assert plan.unknown == 1


def test_a_changed_file_updates_what_differs_at_its_version() -> None:
    """And nothing else."""
    changed = {**ALL, "temperature": 0.2, "system_prompt": "x"}
    (update,) = make_plan(files(desk=changed), locked(desk=remote()), [remote()]).updates

    assert (update.id, update.version) == ("asst_1", 3)
    assert update.changes == (Change("temperature", 0.7, 0.2), Change("system_prompt", None, "x"))


def test_what_somebody_else_has_moved_is_refused() -> None:
    """Whether or not the same fields are meant: a person has to look."""
    plan = make_plan(files(desk={**ALL, "temperature": 0.2}), locked(desk=remote()), [remote(version=4, model="m")])

    assert not plan.updates
    assert [(refusal.id, refusal.since) for refusal in plan.refusals] == [("asst_1", 3)]


def test_an_update_that_had_taken_effect_before_a_crash_is_adopted() -> None:
    """The API has what the file says; only the lock is behind."""
    changed = {**ALL, "temperature": 0.2}
    plan = make_plan(files(desk=changed), locked(desk=remote()), [remote(version=4, temperature=0.2)])

    assert not plan.has_something_to_do
    assert [adopt.entry.version for adopt in plan.adopts] == [4]


def test_a_creation_that_had_taken_effect_before_a_crash_is_adopted() -> None:
    """By its name, and only if all that the file says is so."""
    same = make_plan(files(new={"name": "Desk", "temperature": 0.7}), Lock(), [remote()])
    other = make_plan(files(new={"name": "Desk", "temperature": 0.1}), Lock(), [remote()])
    twice = make_plan(files(new={"name": "Desk"}), Lock(), [remote(), remote(2)])

    assert ([a.entry.id for a in same.adopts], same.creates, same.unknown) == (["asst_1"], [], 0)
    assert (len(other.refusals), other.creates) == (1, [])
    assert (len(twice.refusals), twice.creates) == (1, [])


def test_a_new_file_creates_and_two_of_one_name_are_refused() -> None:
    """Which of the two is meant, nobody can know."""
    plan = make_plan(files(a={"name": "New"}, b={"name": "New"}), Lock(), [])

    assert [create.file for create in plan.creates] == ["a.yaml"]
    assert [refusal.file for refusal in plan.refusals] == ["b.yaml"]


def test_a_file_that_is_gone_is_to_be_deleted_unless_somebody_has_moved_the_assistant() -> None:
    """Or it is gone there, too."""
    lock = locked(a=remote(1), b=remote(2), c=remote(3))
    plan = make_plan({}, lock, [remote(1), remote(2, version=9)])

    assert [(d.file, d.version) for d in plan.deletes] == [("a.yaml", 3)]
    assert [r.file for r in plan.refusals] == ["b.yaml"]
    assert plan.forgotten == ["c.yaml"]


def test_a_file_with_a_new_name_stands_for_the_same_assistant() -> None:
    """`git mv` deletes nobody."""
    plan = make_plan(files(reception={**ALL, "temperature": 0.1}), locked(desk=remote()), [remote()])

    assert plan.moved_files == {"desk.yaml": "reception.yaml"}
    assert [(u.file, u.id) for u in plan.updates] == [("reception.yaml", "asst_1")]
    assert [*plan.creates, *plan.deletes, *plan.refusals] == []


def test_a_template_cannot_be_changed_and_a_deleted_assistant_does_not_come_back() -> None:
    """Both are told, and nothing is done."""
    other = make_plan(files(desk={**ALL, "template": "follow-up"}), locked(desk=remote()), [remote()])
    gone = make_plan(files(desk=ALL), locked(desk=remote()), [])

    assert "template" in other.refusals[0].why
    assert "deleted" in gone.refusals[0].why


def test_a_pull_merges_field_by_field() -> None:
    """Only what both sides have changed, each to something else, is a conflict."""
    base = entry_of("asst_1", 3, ALL)
    local = {**ALL, "temperature": 0.1, "model": "mine", "voice_id": "same"}
    theirs = {**ALL, "max_tokens": 5, "model": "theirs", "voice_id": "same"}
    del local["first_message"]
    merged = merge(base, local, {**theirs, "first_message": "not the file's business"})

    assert merged.changes == {"max_tokens": 5}
    assert merged.conflicts == ("model",)


def test_names_of_files_are_plain_and_stay_apart() -> None:
    """On every file system, and against a lock that somebody has made up."""
    assert file_name_for("Büro / Empfang #1", "asst_0123456789", ()) == "buro-empfang-1.yaml"
    assert file_name_for("Desk", "asst_0123456789", {"desk.yaml"}) == "desk-456789.yaml"
    assert file_name_for("…", "asst_0123456789", ()) == "assistant.yaml"
    assert not any(map(is_file_name, ("../x.yaml", "/x.yaml", ".x.yaml", "a/b.yaml", "x.txt", ".yaml", "a\\b.yaml")))
