"""What a run of the benchmarks has found is judged, drawn and written down as it was measured."""

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.benchmarks.charts import Chart, Series, draw
from tests.benchmarks.curve import Point
from tests.benchmarks.documenting import BEGIN, END, NoMarks, write_page
from tests.benchmarks.findings import Findings
from tests.benchmarks.flame_drawing import Box, boxes_of, draw_flames, read_stacks
from tests.benchmarks.flames import Flame
from tests.benchmarks.generator import Figures
from tests.benchmarks.measuring import Run, outcomes
from tests.benchmarks.report import warnings
from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.sizes import Step

MACHINE = {"cores": 2, "processor": "x", "python": "3.11", "fdatasync_ms": 0.2, "load_average_before": 0.1}
SCENARIO = {one.name: one for one in SCENARIOS}
SVG = "{http://www.w3.org/2000/svg}"


def run(scenario: str, side: str, number: int, *, requests: int = 1_000, p50_us: int = 1_000) -> Run:
    figures = Figures(requests=requests, duration_us=1_000_000, p50_us=p50_us, p99_us=p50_us * 3, bytes=1)
    return Run(scenario, side, number, figures, cpu_us_per_request={}, idle_share=0.0, elsewhere_share=0.0)


def findings(runs: list[Run], *names: str) -> Findings:
    found = Findings(machine=MACHINE, conditions="median of 3 rounds", rounds=3)
    found.runs = runs
    found.outcomes = outcomes(runs, [SCENARIO[name] for name in names])
    return found


def test_a_ratio_is_the_median_of_the_rounds_pairs() -> None:
    """Each round's two runs are compared with one another: what the machine did in that round befell both."""
    ours, theirs = (400, 3_000, 900), (100, 2_000, 1_000)
    runs = [run("create", "patchbay", n, requests=each) for n, each in enumerate(ours)]
    runs += [run("create", "crud", n, requests=each) for n, each in enumerate(theirs)]

    (row,) = findings(runs, "create").rows()

    assert (row.goal, row.measured, row.verdict) == (">= 1.5x CRUD", "1.50x (0.90 to 4.00)", "pass")
    assert row.durability == "all fsync before they answer"


def test_latency_has_to_be_low_and_throughput_high() -> None:
    runs = [run("create-1", "patchbay", 1, p50_us=2_600), run("create-1", "crud", 1, p50_us=1_000)]

    p50, p99 = findings(runs, "create-1").rows()

    assert (p50.goal, p50.measured, p50.verdict) == ("<= 2.5x CRUD", "2.60x (2.60 to 2.60)", "FAIL")
    assert (p99.goal, p99.verdict) == ("<= 3x CRUD", "pass")


def test_what_a_side_had_no_room_for_is_told() -> None:
    """Throughput counts what was done; a refusal is no work, and is not passed over either."""
    figures = Figures(requests=300, duration_us=1_000_000, p50_us=1, p99_us=1, bytes=1, shed=100)
    runs = [Run("create", "patchbay", 1, figures, cpu_us_per_request={}, idle_share=0.5, elsewhere_share=0.0)]

    assert figures.per_second == 300
    assert warnings(runs) == [
        "patchbay had no room for 25.0 % of the requests of create (503); what it did is counted."
    ]


def test_a_side_that_is_not_there_has_no_line() -> None:
    runs = [run("lookup", "patchbay", 1)]

    assert findings(runs, "lookup").rows() == []


def test_a_chart_is_a_document_with_every_point_inside_it() -> None:
    series = [Series("a & b", [(1, 0.5), (70, 2), (5_000, 900)]), Series("c", [(3, 3)], ["3"], is_dashed=True)]

    root = ET.fromstring(draw(Chart(title="x < y", x_title="x", y_title="y", series=series)))  # noqa: S314 - our own

    circles = [(float(one.get("cx", "")), float(one.get("cy", ""))) for one in root.iter(f"{SVG}circle")]
    assert len(circles) == 4
    assert all(0 <= x <= 640 and 0 <= y <= 360 for x, y in circles)
    assert all(left < right and low > high for (left, low), (right, high) in pairwise(circles[:3]))
    assert [one.text for one in root.iter(f"{SVG}title")] == ["x < y"]


def test_a_flame_graph_has_each_function_as_wide_as_it_was_seen_above_whoever_called_it() -> None:
    """And it is a document, whatever functions are called."""
    boxes = boxes_of(read_stacks("main;read <x>;parse 3\nmain;write 1\nmain;read <x> 2\n"))
    drawn = ET.fromstring(draw_flames("a & b", boxes))  # noqa: S314 - drawn here

    assert set(boxes) == {Box("main", 0, 0, 6), Box("read <x>", 1, 0, 5), Box("parse", 2, 0, 3), Box("write", 1, 5, 1)}
    assert [each.text for each in drawn.iter(f"{SVG}title")] == [
        *("main: 100.0 %", "read <x>: 83.3 %", "parse: 50.0 %", "write: 16.7 %")
    ]


def test_a_page_gets_the_figures_between_its_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    """Written again, it holds the new run alone."""
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    found = findings([run("update", side, 1) for side in ("patchbay", "crud")], "update")
    found.curve = [Point("GET", side, 1, per_second, 0.3, 0.9) for side, per_second in (("patchbay", 9), ("crud", 7))]
    found.sizes = [Step(10, 0.1, 1.0, 1.0, 1.0), Step(1_000, 0.2, 1.1, 2.0, 1.1)]
    found.flames = [Flame("flames-GET-api", "GET at 64 connections: api", "<svg/>")]

    write_page(found, page)
    write_page(found, page)

    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert text.count("| PATCH of one assistant, 64 connections | ≥ 3x CRUD | 1.00x (1.00 to 1.00) | FAIL |") == 1
    assert "(performance/cost-against-size.svg)" in text
    drawn = {each.name for each in (tmp_path / "performance").iterdir()}
    assert drawn == {"cost-against-size.svg", "latency-against-load-GET.svg", "flames-GET-api.svg"}


def test_a_page_without_marks_stays_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here")

    with pytest.raises(NoMarks):
        write_page(findings([]), page)
    assert page.read_text() == "nothing here"
