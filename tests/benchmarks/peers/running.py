"""Starting the peers: each one process, on a Postgres of its own where it needs one."""

import importlib.util
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from tests.benchmarks.peers.templates import TEMPLATES
from tests.benchmarks.sides import Side, unasked_accounts
from tests.benchmarks.starting import postgres_durability, run_command, run_module, run_postgres

from patchbay.embedded.ports import free_port

EMMETT: Final = Path(__file__).with_name("emmett")
Run = Callable[[Path], AbstractAsyncContextManager[Side]]


class PeerMissing(Exception):
    """What a peer needs is not installed."""


@asynccontextmanager
async def run_constant(directory: Path) -> AsyncIterator[Side]:
    """Run what answers every request with the same bytes."""
    async with AsyncExitStack() as stack:
        port = free_port()
        pid = await run_module(stack, directory, "tests.benchmarks.peers.constant", {"PORT": str(port)}, port=port)
        yield _side("constant", directory, port, {"constant": pid}, "nothing is written")


@asynccontextmanager
async def _run_in_python(name: str, module: str, directory: Path) -> AsyncIterator[Side]:
    async with AsyncExitStack() as stack:
        database_url, pids = await run_postgres(stack, directory)
        port = free_port()
        environ = {"DATABASE_URL": database_url, "PORT": str(port)}
        pids[name] = await run_module(
            stack, directory, f"tests.benchmarks.peers.{module}", environ, port=port, name=name
        )
        yield _side(name, directory, port, pids, await postgres_durability(database_url))


@asynccontextmanager
async def run_emmett(directory: Path) -> AsyncIterator[Side]:
    """Run the peer on Node.js."""
    async with AsyncExitStack() as stack:
        database_url, pids = await run_postgres(stack, directory)
        port = free_port()
        templates = directory / "templates.json"
        templates.write_bytes(msgspec.json.encode(TEMPLATES))
        environ = {
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "TEMPLATES": str(templates),
            "NODE_ENV": "production",
        }
        command = (shutil.which("node") or "node", str(EMMETT / "server.js"))
        pids["emmett"] = await run_command(stack, directory, command, environ, port=port, name="emmett")
        yield _side("emmett", directory, port, pids, await postgres_durability(database_url))


def check_installed(name: str) -> None:
    """
    Return if the peer can be run.

    Raises:
        PeerMissing: It cannot; the error says what to install.
    """
    needs = {"fastapi": ("fastapi", "sqlalchemy", "uvicorn"), "eventsourcing": ("eventsourcing", "psycopg")}
    lacking = [module for module in needs.get(name, ()) if importlib.util.find_spec(module) is None]
    if lacking:
        raise PeerMissing(f"{name}: {', '.join(lacking)} not installed; `make bench` installs requirements/bench.txt")
    if name == "emmett" and shutil.which("node") is None:
        raise PeerMissing("emmett: there is no Node.js here (Debian and Ubuntu: apt-get install nodejs npm)")
    if name == "emmett" and not (EMMETT / "node_modules").is_dir():
        raise PeerMissing(f"emmett: its packages are not installed; `npm ci` in {EMMETT}, which `make bench` does")


def _side(name: str, directory: Path, port: int, pids: Mapping[str, int], durability: str) -> Side:
    return Side(
        name=name,
        base_url=f"http://127.0.0.1:{port}",
        pids=pids,
        durability=durability,
        accounts=unasked_accounts(),
        directory=directory,
    )


run_crud: Final[Run] = partial(_run_in_python, "crud", "crud")
PEERS: Final[Mapping[str, Run]] = {
    "crud": run_crud,
    "constant": run_constant,
    "fastapi": partial(_run_in_python, "fastapi", "fastapi_sqlalchemy"),
    "eventsourcing": partial(_run_in_python, "eventsourcing", "eventsourcing_postgres"),
    "emmett": run_emmett,
}
