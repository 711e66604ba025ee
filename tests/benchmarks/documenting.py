"""A run as part of a page: tables and charts between two marks, so that one command renews them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.findings import Findings
from tests.benchmarks.measuring import Outcome, cpu_us, runs_of
from tests.benchmarks.report import machine_line, warnings
from tests.benchmarks.rows import figure, title_of
from tests.benchmarks.scenarios import US

BEGIN: Final = "<!-- measured: written by `make bench` -->"
END: Final = "<!-- /measured -->"
_IN_CPU_TABLE: Final = (US, "crud", "constant")


class NoMarks(Exception):
    """The page does not say where the figures go."""


def write_page(findings: Findings, page: Path) -> None:
    """
    Put the figures between the page's marks, and the charts into the folder of the same name.

    Raises:
        NoMarks: The page has none.
    """
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise NoMarks(f"{page} has no lines {BEGIN} and {END}")
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    drawings = findings.drawings()
    for name, (_, svg) in drawings.items():
        (folder / f"{name}.svg").write_text(svg)
    images = [f"![{title}]({folder.name}/{name}.svg)\n" for name, (title, _) in drawings.items()]
    parts = "\n".join([*_paragraphs(findings), *images])
    page.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{parts}\n{END}", text, flags=re.DOTALL))


def _paragraphs(findings: Findings) -> Iterable[str]:
    yield f"{machine_line(findings.machine)}, {findings.load_average_after:.1f} after; {findings.conditions}.\n"
    for warning in warnings(findings.runs):
        yield f"**{warning}**\n"
    yield "### Goals\n"
    yield _table(
        ("what", "goal", "measured", "", "Patchbay, other side", "durability"),
        [
            (row.what, _math(row.goal), row.measured, row.verdict, row.figures, row.durability)
            for row in findings.rows()
        ],
    )
    if findings.outcomes:
        yield "### All sides\n"
        yield _sides_table(findings.outcomes)
        yield "### CPU time of a request, in microseconds\n"
        yield _cpu_table(findings)
    if findings.budget:
        yield "### The budget of one write\n"
        yield _table(("where", "ms", "as told by"), [(one.name, f"{one.ms:.2f}", one.how) for one in findings.budget])
    if findings.limits:
        yield "### The parts alone\n"
        yield _table(
            ("what", "", "p50", "durability"),
            [
                (one.what, f"{one.per_second:,.0f}/s", f"{one.p50_ms:.2f} ms" if one.p50_ms else "", one.durability)
                for one in findings.limits
            ],
        )
    if findings.sizes:
        yield "### Cost against size\n"
        yield _table(
            ("assistants and events", "GET p50", "against 1,000", "create p50", "against 1,000"),
            [
                (
                    f"{step.assistants:,}",
                    *(f"{step.get_p50_ms:.2f} ms", f"{step.get_ratio:.2f}x"),
                    *(f"{step.write_p50_ms:.2f} ms", f"{step.write_ratio:.2f}x"),
                )
                for step in findings.sizes
            ],
        )


def _sides_table(outcomes: Sequence[Outcome]) -> str:
    names = list(dict.fromkeys(name for one in outcomes for name in one.medians))
    lines = []
    for one in outcomes:
        cells = [figure(one.medians[name], one.measure.unit) if name in one.medians else "" for name in names]
        lines.append((title_of(one), *cells))
    return _table(("", *names), lines)


def _cpu_table(findings: Findings) -> str:
    lines = []
    for one in findings.outcomes:
        if one.measure is one.scenario.measures[0]:
            for name in (side for side in one.medians if side in _IN_CPU_TABLE):
                used = {
                    part: us for part, us in cpu_us(runs_of(findings.runs, one.scenario, name)).items() if part != "wrk"
                }
                parts = ", ".join(f"{part} {us:.0f}" for part, us in used.items())
                lines.append((one.scenario.title, name, f"{sum(used.values()):.0f}", parts))
    return _table(("", "side", "all", "by process"), lines)


def _math(goal: str) -> str:
    return goal.replace(">=", "≥").replace("<=", "≤")


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = ["| " + " | ".join(line) + " |" for line in (head, *lines)]
    return "\n".join([rows[0], "|" + "---|" * len(head), *rows[1:], ""])
