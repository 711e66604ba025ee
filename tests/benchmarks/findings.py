"""Everything that a run has found, and how it is told: as text, as JSON, as charts, as a part of a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from tests.benchmarks.budget import Stage
from tests.benchmarks.charts import Chart, Series, draw
from tests.benchmarks.copies import Pair
from tests.benchmarks.curve import Point
from tests.benchmarks.flames import Flame
from tests.benchmarks.limits import Limit
from tests.benchmarks.measuring import Outcome, Run
from tests.benchmarks.processes import Processes
from tests.benchmarks.rebuilding.measuring import Measured
from tests.benchmarks.rows import Row, rows_of, rows_of_rebuild
from tests.benchmarks.sides import Side
from tests.benchmarks.sizes import Step, rows_of_sizes


class Findings(msgspec.Struct, kw_only=True):
    """What was measured; what was not is empty."""

    machine: Mapping[str, Any]
    conditions: str  # how often, how long
    rounds: int
    sides: Sequence[Side] = ()
    runs: list[Run] = []
    outcomes: list[Outcome] = []
    curve: list[Point] = []
    copies: list[Pair] = []
    budget: list[Stage] = []
    processes: Processes | None = None
    limits: list[Limit] = []
    flames: list[Flame] = []
    sizes: list[Step] = []
    rebuild: Measured | None = None
    load_average_after: float = 0.0

    def rows(self) -> list[Row]:
        """Return the table of goals."""
        return [
            *rows_of(self.outcomes),
            *[pair.row() for pair in self.copies],
            *(rows_of_sizes(self.sizes, self.rounds) if self.sizes else ()),
            *(rows_of_rebuild(self.rebuild) if self.rebuild else ()),
            *(self.processes.rows() if self.processes else ()),
        ]

    def charts(self) -> dict[str, Chart]:
        """Return the charts by name."""
        found = {f"latency-against-load-{kind}": self._load_chart(kind) for kind in {one.kind for one in self.curve}}
        if len(self.sizes) > 1:
            found["cost-against-size"] = _size_chart(self.sizes)
        return found

    def drawings(self) -> dict[str, tuple[str, str]]:
        """Return title and SVG of each chart and flame graph, by name."""
        charts = {name: (chart.title, draw(chart)) for name, chart in self.charts().items()}
        return charts | {flame.name: (flame.title, flame.svg) for flame in self.flames}

    def _load_chart(self, kind: str) -> Chart:
        sides = list(dict.fromkeys(point.side for point in self.curve))
        connections = dict.fromkeys(f"{point.connections}" for point in self.curve)
        series = []
        for side in sides:
            points = [point for point in self.curve if (point.kind, point.side) == (kind, side)]
            labels = [f"{point.connections}" for point in points]
            series.append(Series(f"{side} p50", [(one.per_second, one.p50_ms) for one in points], labels))
            series.append(Series(f"{side} p99", [(one.per_second, one.p99_ms) for one in points], is_dashed=True))
        return Chart(
            title=f"{kind}: latency against load, at {', '.join(connections)} connections",
            x_title="requests a second",
            y_title="milliseconds",
            series=series,
        )

    def facts(self) -> dict[str, Any]:
        """Return everything as it is kept."""
        return {
            "machine": self.machine,
            "conditions": self.conditions,
            "load_average_after": self.load_average_after,
            "rows": self.rows(),
            "outcomes": [_outcome_facts(one) for one in self.outcomes],
            "curve": self.curve,
            "copies": self.copies,
            "budget": self.budget,
            "processes": self.processes,
            "limits": self.limits,
            "sizes": self.sizes,
            "rebuild": self.rebuild,
            "runs": self.runs,
        }


def _size_chart(steps: Sequence[Step]) -> Chart:
    return Chart(
        title="cost against size: p50 at 1 connection",
        x_title="assistants, and events in the log",
        y_title="milliseconds",
        series=[
            Series("GET", [(step.assistants, step.get_p50_ms) for step in steps], _ratios(steps, "get_ratio")),
            Series("create", [(step.assistants, step.write_p50_ms) for step in steps], _ratios(steps, "write_ratio")),
        ],
    )


def _ratios(steps: Sequence[Step], name: str) -> list[str]:
    return [f"{getattr(step, name):.2f}x" for step in steps]


def _outcome_facts(one: Outcome) -> dict[str, Any]:
    return {
        "scenario": one.scenario.name,
        "title": one.scenario.title,
        "measure": one.measure.name,
        "unit": one.measure.unit,
        "medians": one.medians,
        "ratios": one.ratios,
        "goals": one.measure.goals,
    }
