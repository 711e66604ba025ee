"""Starting what is measured: the servers, and services as processes of their own that must become ready."""

import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import aiohttp
import asyncpg

from patchbay.embedded import Launch, fetch, kafka_artifacts, postgres_artifacts, prepare_postgres, running
from patchbay.embedded.artifacts import cache_directory

REPOSITORY: Final = Path(__file__).parents[2]
RESULTS: Final = Path(__file__).with_name("results")  # not kept in the repository


def fetch_servers() -> None:
    """Fetch what the servers consist of, where it is missing."""
    fetch((*kafka_artifacts(), *postgres_artifacts()), cache_directory())


async def run_postgres(stack: AsyncExitStack, directory: Path) -> tuple[str, dict[str, int]]:
    """Run a Postgres until the stack is closed; return its URL, and its process by name."""
    postgres = prepare_postgres(directory / "postgres")
    process = await stack.enter_async_context(running(postgres.launch))
    return postgres.address, {"postgres": process.pid}


async def run_module(
    stack: AsyncExitStack, directory: Path, module: str, environ: Mapping[str, str], *, port: int, name: str = ""
) -> int:
    """Run a Python module until the stack is closed, with its log in the directory; return its process."""
    return await run_command(
        stack,
        directory,
        (sys.executable, "-m", module),
        environ,
        port=port,
        name=name or module.rpartition(".")[2],
    )


async def run_command(
    stack: AsyncExitStack,
    directory: Path,
    command: tuple[str, ...],
    environ: Mapping[str, str],
    *,
    port: int,
    name: str,
) -> int:
    """Run a command, which is ready when `/readyz` at that port says so; return its process."""
    launch = Launch(
        name=name,
        command=command,
        environ={**os.environ, "PYTHONPATH": os.pathsep.join(_import_path()), **environ},
        log_path=directory / f"{name}.log",
        probe=lambda: is_ready(f"http://127.0.0.1:{port}/readyz"),
    )
    process = await stack.enter_async_context(running(launch))
    return process.pid


async def is_ready(url: str) -> bool:
    """Return whether it answers 200."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def postgres_durability(database_url: str) -> str:
    """Return what a commit means, as Postgres itself tells."""
    connection = await asyncpg.connect(database_url)
    try:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        settings = [f"{name}={await connection.fetchval(f'SHOW {name}')}" for name in names]
    finally:
        await connection.close()
    return f"Postgres {', '.join(settings)}"


def _import_path() -> list[str]:
    return [path for path in (os.environ.get("PYTHONPATH", ""), str(REPOSITORY)) if path]
