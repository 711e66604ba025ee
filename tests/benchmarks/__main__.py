"""
Compare Patchbay with a plain CRUD service and other peers, in one run on one machine, and hold it against its goals.

    python -m tests.benchmarks [--stages scenarios,sizes] [--only create,read] [--rounds 5] [--seconds 5]
    python -m tests.benchmarks --document docs/performance.md

`QUICK=1` in the environment makes it shorter. The figures are printed, kept as JSON and drawn as SVG in `results`, and
with `--document` written into that page. The exit code is 0 if every goal is reached, 1 if one is missed, and 2 if
nothing could be measured. Linux only: CPU time is read from /proc.
"""

import asyncio
import shutil
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

from tests.benchmarks.documenting import write_page
from tests.benchmarks.findings import Findings
from tests.benchmarks.generator import GeneratorMissing, RunFailed, find_generator
from tests.benchmarks.plan import read_plan
from tests.benchmarks.report import render, write_results
from tests.benchmarks.sides import SideFailed
from tests.benchmarks.starting import RESULTS, fetch_servers
from tests.benchmarks.whole import measure_all

from patchbay.embedded import EmbeddedError
from patchbay.eventlog import calm_client
from patchbay.process import configure_logging


def main() -> int:
    """Measure, print and keep; return the exit code."""
    plan = read_plan(sys.argv[1:])
    try:
        find_generator()
    except GeneratorMissing as missing:
        _tell(f"benchmarks skipped: {missing}")
        return 0
    if not Path("/proc/stat").exists():
        _tell("benchmarks skipped: CPU time is read from /proc, which this system does not have")
        return 0
    configure_logging("benchmarks", level="error")
    fetch_servers()
    RESULTS.mkdir(exist_ok=True)
    # On the disk that the repository is on: one in memory would know no fsync.
    directory = Path(mkdtemp(prefix="servers-", dir=RESULTS))
    try:
        with calm_client():
            findings = asyncio.run(measure_all(plan, directory, _tell))
    except (RunFailed, SideFailed, EmbeddedError) as failed:
        _tell(f"nothing was measured: {failed}\nthe logs are in {directory}")
        return 2
    shutil.rmtree(directory)
    _keep(findings, plan.document)
    return 1 if any(row.verdict == "FAIL" for row in findings.rows()) else 0


def _keep(findings: Findings, page: Path | None) -> None:
    written = write_results(findings.facts(), findings.sides)
    for name, (_, svg) in findings.drawings().items():
        written.with_name(f"{written.stem}-{name}.svg").write_text(svg)
    if page is not None:
        write_page(findings, page)
    sys.stdout.write(f"{render(findings)}\nall figures: {written}\n")


_began_at = time.monotonic()


def _tell(line: str) -> None:
    sys.stderr.write(f"{time.monotonic() - _began_at:6.0f} s  {line}\n")


if __name__ == "__main__":
    sys.exit(main())
