"""The figures that are promised, and how a measured one is shown beside its goal."""

from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """Something that was measured."""

    name: str
    value: float
    unit: str
    goal: float | None = None  # at most

    @property
    def is_missed(self) -> bool:
        return self.goal is not None and self.value > self.goal


def render(title: str, figures: Sequence[Figure]) -> tuple[str, int]:
    """Return a table as text, and how many goals it misses."""
    lines = [title]
    for one in figures:
        goal = "" if one.goal is None else f"  goal {one.goal:g}{'   MISSED' if one.is_missed else ''}"
        lines.append(f"  {one.name:<58}{one.value:>12,.2f} {one.unit:<4}{goal}")
    return "\n".join(lines) + "\n", sum(one.is_missed for one in figures)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the sorted values do not exceed."""
    return values[min(len(values) - 1, int(len(values) * share))]
