"""The figures of a run, for people and for programs."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from tests.chaos.checks.promises import Outcome
from tests.chaos.nemesis import Entry


class Recovery(msgspec.Struct, frozen=True):
    """How long writes took to go on, after rounds with this kind of fault alone."""

    rounds: int
    p50_seconds: float
    p99_seconds: float


class Figures(msgspec.Struct, kw_only=True):
    """What a run came to."""

    seed: int
    minutes: float
    requests: int
    outcome: Outcome
    answers: Mapping[str, int]
    records: Mapping[str, int]  # by verdict
    faults: int
    faults_by_kind: Mapping[str, int]
    recovery: Mapping[str, Recovery]  # by kind; `kill` by whom, too
    ended_by_themselves: Mapping[str, int]
    lag_seconds: float
    violations: Mapping[str, int]  # by check

    @property
    def is_good(self) -> bool:
        """True if nothing was violated."""
        return not any(self.violations.values())


def recoveries(journal: Sequence[Entry]) -> dict[str, Recovery]:
    """Return how fast writes went on, by kind of fault; rounds with several faults count as `together`."""
    found: dict[str, list[float]] = {}
    for entry in journal:
        if entry.recovered_seconds < 0:
            continue
        if entry.company == 1:
            found.setdefault(entry.kind, []).append(entry.recovered_seconds)
            if entry.kind == "kill":
                found.setdefault(f"kill of {entry.target}", []).append(entry.recovered_seconds)
        found.setdefault("any", []).append(entry.recovered_seconds)
    return {
        kind: Recovery(len(seconds), percentile(seconds, 0.5), percentile(seconds, 0.99))
        for kind, seconds in sorted(found.items())
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least this share of them does not exceed."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * share) - 1))], 2)


def by_kind(journal: Sequence[Entry]) -> dict[str, int]:
    """Return how often each kind of fault happened."""
    return dict(Counter(entry.kind for entry in journal).most_common())


def render(figures: Figures) -> str:
    """Return the figures as lines for people."""
    o = figures.outcome
    lines = [
        f"seed {figures.seed}, {figures.minutes:g} minutes",
        (
            f"{o.operations:,} operations in {figures.requests:,} requests: {o.done:,} done, {o.refused:,} refused, "
            f"{o.indeterminate:,} never answered for certain; {o.settled:,} open requests told later by their Location"
        ),
        f"answers: {_counts(figures.answers)}",
        f"records by verdict: {_counts(figures.records)}",
        f"{figures.faults} faults: {_counts(figures.faults_by_kind)}",
        f"ended by themselves, and started again: {_counts(figures.ended_by_themselves) or 'none'}",
        f"lag was gone {figures.lag_seconds:.1f} s after the last write",
        "writes go on after (p50, p99):",
        *(
            f"  {kind}: {r.p50_seconds:.1f} s, {r.p99_seconds:.1f} s of {r.rounds}"
            for kind, r in figures.recovery.items()
        ),
        "violations:",
        *(f"  {check}: {count}" for check, count in figures.violations.items()),
    ]
    return "\n".join(lines)


def keep(figures: Figures, directory: Path) -> Path:
    """Write the figures as JSON; return where."""
    path = directory / "figures.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n")
    return path


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
