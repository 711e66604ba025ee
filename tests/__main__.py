"""
Run every test, in parts at the same time: most tests wait for servers more than they work.

Each part is a run of pytest with servers of its own. The first shows what it does; the others' output comes at the end.
What waits for nothing takes what the others leave of the processors.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from patchbay.embedded import cache_directory, fetch, kafka_artifacts, quicken_kafka

NOTHING_SELECTED = 5  # pytest's exit code where `-k` or the like has left no test of a part

# What is not named runs in the last one, so that no new folder is forgotten.
CALCULATIONS = "calculations"
NAMED = {
    "contracts": ["tests/contract"],
    "whole systems": ["tests/system"],
    CALCULATIONS: ["tests/simulation", "tests/property"],
}
_ELSEWHERE = [f"--ignore={path}" for paths in NAMED.values() for path in paths]
PARTS = {**NAMED, "all others": ["tests", "--ignore=tests/benchmarks", *_ELSEWHERE]}
_BYTECODE = Path(__file__).parents[1] / ".cache" / "bytecode"
NICENESS = 10  # of the calculations, which have neither servers nor deadlines


def main(arguments: list[str]) -> int:
    """
    Run all parts, each with `arguments` for pytest added.

    Returns:
        0 if all passed, else an exit code that says something else.
    """
    fetch(kafka_artifacts(), cache_directory())
    quicken_kafka()  # once: the parts start some thirty brokers
    command = [sys.executable, "-m", "pytest", "-o", "cache_dir=.pytest_cache"]
    environ = _environ()
    with ExitStack() as stack:
        runs: list[tuple[str, subprocess.Popen[bytes], IO[bytes] | None]] = []
        for name, paths in PARTS.items():
            output = stack.enter_context(tempfile.TemporaryFile()) if runs else None
            process = subprocess.Popen(  # noqa: S603 - our own command
                [*command, *paths, *arguments], stdout=output, stderr=subprocess.STDOUT, env=environ
            )
            if name == CALCULATIONS:
                own = os.getpriority(os.PRIO_PROCESS, 0)  # nobody but root may be less nice than this
                os.setpriority(os.PRIO_PROCESS, process.pid, max(own, NICENESS))
            runs.append((name, process, output))
        try:
            codes = [_ended(*run) for run in runs]
        except KeyboardInterrupt:
            for _, process, _ in runs:
                with suppress(KeyboardInterrupt):  # all got it from the terminal: what they started ends with them
                    process.wait()
            return 130
    ran = [code for code in codes if code != NOTHING_SELECTED]
    return max(ran, key=abs) if ran else NOTHING_SELECTED


def _environ() -> dict[str, str]:
    """
    Return the environment of the parts.

    Where Python is to leave nothing beside the sources, it does so elsewhere: else each of some hundred processes would
    compile anew what it imports.
    """
    if not sys.dont_write_bytecode or sys.pycache_prefix:
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(_BYTECODE)}


def _ended(name: str, process: subprocess.Popen[bytes], output: IO[bytes] | None) -> int:
    """Wait for a part, show what it printed, and return its exit code."""
    if output is not None:
        print(f"\nThe tests of {name} run since the beginning; their output comes when they end.", flush=True)
    code = process.wait()
    if output is not None:
        output.seek(0)
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
