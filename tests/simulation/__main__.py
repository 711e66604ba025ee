"""
Run seeds: `python -m tests.simulation --seed 7` shows one with all that it logs; `--seeds 100000` runs many.

A seed that fails is printed; put it into `failing_seeds.txt`, so that it is run first from then on.
"""

import argparse
import contextlib
import sys
from unittest.mock import patch

import structlog
from tests.simulation.running import run_many
from tests.simulation.simulation import simulate


def main() -> int:
    """Return 0 if every seed passes."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one, and show what it logs")
    parser.add_argument("--first", type=int, default=0, help="the first of many")
    parser.add_argument("--seeds", type=int, default=5_000, help="how many")
    wanted = parser.parse_args()
    if wanted.seed is not None:
        simulate(0)  # what all seeds begin with is made, and not shown
        structlog.configure(processors=[structlog.processors.add_log_level, structlog.dev.ConsoleRenderer()])
        with patch.object(structlog.testing, "capture_logs", contextlib.nullcontext):
            result = simulate(wanted.seed)
        print(f"seed {wanted.seed}: {len(result.tries)} requests, {result.steps} steps, {result.digest}")
        return 0
    failures = run_many(range(wanted.first, wanted.first + wanted.seeds))
    for failure in failures:
        print(failure)
    print(f"{wanted.seeds} seeds, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
