"""What `patchbay doctor` makes of numbers."""

from importlib.metadata import version
from pathlib import Path

import pytest

from patchbay.cli.examining.api import judge_samples
from patchbay.cli.examining.machine import judge_room

GIB = 1024**3


def wrong(samples: list[tuple[str, dict[str, str], float]]) -> set[str]:
    """Return what is wrong, by name."""
    build = ("patchbay_build_info", {"version": version("patchbay")}, 1.0)
    return {found.check for found in judge_samples([build, *samples]) if found.is_well is False}


def answers(status: str, count: float, route: str = "/") -> tuple[str, dict[str, str], float]:
    return ("patchbay_requests_total", {"method": "GET", "route": route, "status": status}, count)


def test_a_few_failed_requests_of_many_are_no_trouble_and_many_are() -> None:
    assert wrong([answers("200", 1_000), answers("503", 5)]) == set()
    assert wrong([answers("200", 1_000), answers("503", 50)]) == {"requests"}
    assert wrong([answers("503", 3)]) == set(), "of so few nothing follows"


def test_a_copy_that_said_not_to_be_ready_has_failed_nobody_s_request() -> None:
    assert wrong([answers("200", 50), answers("503", 50, "/readyz")]) == set()


def test_a_copy_that_counts_alone_is_told() -> None:
    assert wrong([("patchbay_usage_shared", {}, 0.0)]) == {"usage"}
    assert wrong([("patchbay_usage_shared", {}, 1.0)]) == set()


def test_another_version_than_this_one_is_told() -> None:
    found = list(judge_samples([("patchbay_build_info", {"version": "0.0.0"}, 1.0)]))

    assert [finding.check for finding in found if finding.is_well is False] == ["version"]


@pytest.mark.parametrize(("free_gib", "total_gib", "is_well"), [(10, 100, True), (1, 10, False), (40, 1_000, False)])
def test_room_is_judged_by_what_is_left_and_by_its_share(free_gib: int, total_gib: int, *, is_well: bool) -> None:
    found = judge_room(Path("/srv"), free_bytes=free_gib * GIB, total_bytes=total_gib * GIB)

    assert found.is_well is is_well
