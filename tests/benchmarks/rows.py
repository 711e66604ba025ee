"""Lines of the table of goals: what was asked for, what was measured, and whether that is enough."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from tests.benchmarks.measuring import Outcome
from tests.benchmarks.rebuilding.measuring import GOAL_EVENTS_PER_SECOND, GOAL_MEGABYTES, Measured
from tests.benchmarks.scenarios import US, Goal, Measure

Verdict = Literal["pass", "FAIL", "not judged"]
WRITTEN: Final = "all fsync before they answer"
NOT_WRITTEN: Final = "nothing is written"
AT_COMMIT: Final = "fsync at each commit"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line."""

    what: str
    goal: str
    measured: str
    verdict: Verdict
    figures: str  # what the measured ratio is made of
    durability: str


def verdict_of(*, reached: bool) -> Verdict:
    """Return the word for it."""
    return "pass" if reached else "FAIL"


def rows_of(outcomes: Sequence[Outcome]) -> list[Row]:
    """Return a line for each goal of the scenarios; a goal against a side that is not there has none."""
    return [
        _row(outcome, goal)
        for outcome in outcomes
        for goal in outcome.measure.goals
        if goal.against in outcome.medians and US in outcome.medians
    ]


def rows_of_rebuild(rebuild: Measured) -> list[Row]:
    """Return the lines of a projection that was made again from the log."""
    peak = rebuild.peak_bytes / 1e6
    return [
        Row(
            what="projector rebuild",
            goal=f">= {GOAL_EVENTS_PER_SECOND:,} events/s",
            measured=f"{rebuild.rate:,.0f} events/s",
            verdict=verdict_of(reached=rebuild.rate >= GOAL_EVENTS_PER_SECOND),
            figures=f"{rebuild.records:,} records in {rebuild.seconds:.1f} s, CPU {rebuild.cpu_seconds:.1f} s",
            durability=AT_COMMIT,
        ),
        Row(
            what="projector rebuild, memory",
            goal=f"<= {GOAL_MEGABYTES} MB",
            measured=f"{peak:.0f} MB",
            verdict=verdict_of(reached=peak <= GOAL_MEGABYTES),
            figures="peak of the process",
            durability=AT_COMMIT,
        ),
    ]


def figure(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    return f"{value:,.0f}/s" if unit == "/s" else f"{value:.2f} ms"


def title_of(outcome: Outcome) -> str:
    """Return what was measured, with the measure's name where there are several."""
    measure = outcome.measure
    return outcome.scenario.title if measure.unit == "/s" else f"{outcome.scenario.title}, {measure.name}"


def goal_text(measure: Measure, goal: Goal) -> str:
    """Return a goal as it stands in the table."""
    against = {"crud": "CRUD", "constant": "the aiohttp constant"}[goal.against]
    return f"{'>=' if measure.unit == '/s' else '<='} {goal.factor:g}x {against}"


def _row(outcome: Outcome, goal: Goal) -> Row:
    measure, ratios = outcome.measure, outcome.ratios[goal.against]
    ratio = outcome.ratio(goal.against)
    ours, theirs = (figure(outcome.medians[side], measure.unit) for side in (US, goal.against))
    return Row(
        what=title_of(outcome),
        goal=goal_text(measure, goal),
        measured=f"{ratio:.2f}x ({min(ratios):.2f} to {max(ratios):.2f})",
        verdict=verdict_of(reached=measure.reaches(goal, ratio)),
        figures=f"{ours}, {goal.against} {theirs}",
        durability=WRITTEN if outcome.scenario.writes else NOT_WRITTEN,
    )
