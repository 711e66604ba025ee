"""A batch's assignments come out as rows to set and rows to remove, never both."""

from typing import Any

from patchbay.projection import DraftHoldings, Write

UPSERT = Write("set", "")


def rows_of(draft: DraftHoldings) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each change, by its name."""
    return {
        change.write.name: list(zip(*change.columns[:2], strict=True))
        if change.write.name != "set"
        else list(zip(*change.columns, strict=True))
        for change in draft.changes()
    }


def test_an_assignment_clears_what_the_assistant_held_and_sets_its_list() -> None:
    draft = DraftHoldings(UPSERT)
    draft.assign("acct", "a", [("acct", "n1", "a", 1)])

    assert rows_of(draft) == {"assignments_cleared": [("acct", "a")], "set": [("acct", "n1", "a", 1)]}


def test_a_number_that_is_taken_and_let_go_in_one_batch_is_removed_whoever_held_it_before() -> None:
    draft = DraftHoldings(UPSERT)
    draft.assign("acct", "b", [("acct", "n1", "b", 1)])
    draft.assign("acct", "b", [])

    assert rows_of(draft) == {"assignments_cleared": [("acct", "b")], "assignments_deleted": [("acct", "n1")]}


def test_an_assistant_that_lost_a_number_to_another_does_not_take_it_along_when_it_lets_go() -> None:
    draft = DraftHoldings(UPSERT)
    draft.assign("acct", "a", [("acct", "n1", "a", 1)])
    draft.assign("acct", "b", [("acct", "n1", "b", 1)])
    draft.assign("acct", "a", [])

    assert rows_of(draft)["set"] == [("acct", "n1", "b", 1)]
    assert "assignments_deleted" not in rows_of(draft)


def test_what_is_set_is_kept_out_of_what_is_cleared() -> None:
    draft = DraftHoldings(UPSERT)
    draft.assign("acct", "a", [("acct", "n1", "a", 1)])

    (clear,) = [change for change in draft.changes() if change.write.name == "assignments_cleared"]

    assert list(clear.columns[2]) == ["acct n1"]


def test_nothing_assigned_is_nothing_to_write() -> None:
    assert DraftHoldings(UPSERT).changes() == []
