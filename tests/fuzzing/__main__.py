"""
Make thousands of requests from docs/openapi.yaml, with all of Schemathesis' checks, against a service of its own.

    python -m tests.fuzzing [--cases 20000] [--seed 1]

It goes on with further seeds until there are as many cases. The exit code is 0 if every answer was as described and
none was 500. The servers are those of `KAFKA_BOOTSTRAP_SERVERS` and `DATABASE_URL` where set,
else the run's own.
"""

import argparse
import asyncio
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
from tests.contract.api.service import Service, run_service
from tests.fuzzing.running import Plan, fuzz

from patchbay.embedded import run_kafka, run_postgres, start

_EXAMPLES: Final = 60  # of each operation in each phase; one run has some thousand cases
_FAULTS: Final = re.compile(r'^patchbay_requests_total\{[^}]*status="500"[^}]*\} ([0-9.e+]+)$', re.MULTILINE)


def main() -> int:
    """Run until there are enough cases; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing")
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patchbay-fuzzing-") as folder:
        return asyncio.run(_run(options.cases, options.seed, Path(folder)))


async def _run(wanted: int, seed: int, folder: Path) -> int:
    cases = 0
    async with _servers(folder) as (kafka, database_url):
        name = f"fuzzing_{secrets.token_hex(6)}"
        connection = await asyncpg.connect(database_url)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        await connection.close()
        url = database_url.rsplit("/", 1)[0] + f"/{name}"
        async with run_service(start, kafka, url, f"test.{name}") as service:
            while cases < wanted:
                outcome = await fuzz(service, Plan(examples=_EXAMPLES, seed=seed), folder)
                faults = await _count_faults(service)
                if not outcome.is_clean or faults:
                    sys.stdout.write(outcome.output)
                    _tell(
                        f"seed {seed}: {outcome.failures} failures, {outcome.errors} errors, {faults} answers were 500"
                    )
                    return 1
                cases += outcome.cases
                _tell(f"seed {seed}: {outcome.cases:,} cases, {cases:,} so far; no failure, no 500")
                seed += 1
    return 0


async def _count_faults(service: Service) -> int:
    page = (await service.operator.send("GET", "/metrics")).body.decode()
    return sum(int(float(count)) for count in _FAULTS.findall(page))


@asynccontextmanager
async def _servers(folder: Path) -> AsyncIterator[tuple[str, str]]:
    async with AsyncExitStack() as stack:
        kafka = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
        url = os.environ.get("DATABASE_URL", "")
        kafka = kafka or await stack.enter_async_context(run_kafka(folder / "kafka"))
        url = url or await stack.enter_async_context(run_postgres(folder / "postgres"))
        yield kafka, url


def _tell(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
