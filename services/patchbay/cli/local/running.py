"""One life of a local Patchbay: take the directory, fetch, start, open, keep running, stop."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from patchbay.cli.errors import Interrupted
from patchbay.cli.local.copying import Copy, claim, fill
from patchbay.cli.local.directory import DataDirectory, open_directory
from patchbay.cli.local.errors import CannotStart, PortTaken
from patchbay.cli.local.leftovers import end_leftovers, trace
from patchbay.cli.local.opening import SLUG, Opened, open_account
from patchbay.cli.local.ready import copy_block, ready_block
from patchbay.cli.local.services import Settings, service_launches
from patchbay.cli.local.supervision import Supervisor
from patchbay.cli.local.terminal import FetchDisplay, say, say_at, terminal_for_us_alone
from patchbay.cli.whereabouts import LogAccess, read_settings
from patchbay.embedded import (
    EmbeddedError,
    Running,
    Server,
    cache_directory,
    fetch,
    is_free,
    kafka_artifacts,
    keep_ports,
    lacks_quick_start,
    missing,
    postgres_artifacts,
    prepare_kafka,
    prepare_postgres,
    quicken_kafka,
)
from patchbay.embedded.java import find_java

STOP_ORDER: Final = ("api", "routing", "projector", "kafka", "postgres")
_TRACES_FILE: Final = "processes.json"


def run_until_stopped(path: Path, api_port: int, wanted: Copy | None = None) -> None:
    """
    Run Patchbay on the directory until SIGINT, SIGTERM or SIGHUP; a second signal ends everything at once.

    Args:
        path: Of the directory.
        api_port: Where the API is to listen.
        wanted: What it is to be a copy of; None: whatever it is.

    Raises:
        CannotStart: It cannot be started here or now.
        CliError: The API did not open the account.
    """
    try:
        with terminal_for_us_alone(), open_directory(path) as directory:
            left = end_leftovers(directory.read_list(_TRACES_FILE))
            if left:
                say(f"Ended what an earlier `patchbay up` had left behind: {', '.join(left)}")
            directory.forget_pids()
            if not is_free(api_port):
                raise PortTaken(api_port)
            asyncio.run(Local(directory, api_port, claim(directory, wanted)).run())
    except EmbeddedError as error:
        raise CannotStart(str(error)) from error


class Local:
    """A local Patchbay."""

    def __init__(self, directory: DataDirectory, api_port: int, copy: Copy | None = None) -> None:
        self._directory = directory
        self._copy = copy
        self._api_port = api_port
        self._url = f"http://127.0.0.1:{api_port}"
        self._supervisor = Supervisor(say_at, self._write_down)
        self._stop = asyncio.Event()
        self._interrupted = threading.Event()
        self._endpoints: dict[str, Any] | None = None  # none before the account is open

    async def run(self) -> None:
        """Start, keep running until a signal, stop."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, self._on_signal, signum)
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stop.wait())
        logs = asyncio.create_task(self._supervisor.bound_logs())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
        except Interrupted:
            pass  # of the fetch, by the signal
        finally:
            for task in (starting, stopping, logs):
                task.cancel()
            await asyncio.gather(starting, stopping, logs, return_exceptions=True)
            await self._supervisor.stop(STOP_ORDER)
            self._directory.forget_pids()
        say("Stopped.")

    def _on_signal(self, signum: int) -> None:
        if self._stop.is_set():
            self._supervisor.kill_now()
            os._exit(128 + signum)
        say("\nStopping; once more to end everything at once")
        self._interrupted.set()
        self._stop.set()

    async def _start(self) -> None:
        given_kafka = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
        given_database = os.environ.get("DATABASE_URL", "")
        await asyncio.to_thread(self._fetch, not given_kafka, not given_database)
        started_at = time.monotonic()
        own = await self._start_servers(not given_kafka, not given_database)
        kafka = own["kafka"].address if "kafka" in own else given_kafka
        database = own["postgres"].address if "postgres" in own else given_database
        ports = keep_ports(self._directory.path / "ports.json", "projector", "routing")
        settings = Settings(
            directory=self._directory.path,
            kafka=kafka,
            is_own_kafka=not given_kafka,
            database=database,
            operator_key=self._directory.operator_key(),
            ports={**ports, "api": self._api_port},
        )
        if self._copy is not None and not self._copy.is_whole:
            say(f"Importing {self._copy.export}")
            given = read_settings(os.environ)
            log = LogAccess(given.brokers or kafka, given.topic)
            self._copy = await fill(self._directory, self._copy, log)
        say("Starting projector, routing and API")
        await self._supervisor.start(service_launches(settings))
        self._endpoints = {"api": self._url, "kafka": kafka, "database": database}
        if self._copy is None:
            opened = await asyncio.to_thread(open_account, self._url, self._directory)
            self._endpoints |= self._describe(opened)
            told = ready_block(self._url, SLUG, opened, self._directory.path, time.monotonic() - started_at)
        else:  # nothing is opened: it is to be what was
            told = copy_block(self._url, self._copy, self._directory.path, time.monotonic() - started_at)
        self._write_down(self._supervisor.running)
        say(told)

    def _fetch(self, needs_kafka: bool, needs_postgres: bool) -> None:  # noqa: FBT001 -- named where it is called
        if needs_kafka:
            find_java()  # before anything is fetched in vain
        wanted = [*(kafka_artifacts() if needs_kafka else ()), *(postgres_artifacts() if needs_postgres else ())]
        cache = cache_directory()
        lacking = missing(wanted, cache)
        if lacking:
            with FetchDisplay(lacking, self._interrupted) as display:
                fetch(wanted, cache, display.advance)
        else:
            fetch(wanted, cache)  # checks what is there
        if needs_kafka and lacks_quick_start():
            say("Making the next starts of Kafka quick: some ten seconds, this time only")
            quicken_kafka(interrupted=self._interrupted)

    async def _start_servers(self, needs_kafka: bool, needs_postgres: bool) -> dict[str, Server]:  # noqa: FBT001
        path, logs = self._directory.path, self._directory.logs
        preparing = {}
        if needs_kafka:
            preparing["kafka"] = asyncio.to_thread(prepare_kafka, path / "kafka", log_path=logs / "kafka.log")
        if needs_postgres:
            preparing["postgres"] = asyncio.to_thread(
                prepare_postgres, path / "postgres", log_path=logs / "postgres.log"
            )
        if not preparing:
            return {}
        say("Starting " + " and ".join(name.capitalize() for name in preparing))
        servers = dict(zip(preparing, await asyncio.gather(*preparing.values()), strict=True))
        await self._supervisor.start([server.launch for server in servers.values()])
        return servers

    def _describe(self, opened: Opened) -> dict[str, Any]:
        return {
            "account_slug": SLUG,
            "account_id": opened.account_id,
            "api_key": opened.api_key,
            "phone_numbers": list(opened.phone_numbers),
        }

    def _write_down(self, running: Mapping[str, Running]) -> None:
        traces = [trace(name, process.pid, process.launch.command) for name, process in running.items()]
        self._directory.write_list(_TRACES_FILE, [msgspec.to_builtins(found) for found in traces if found is not None])
        if self._endpoints is not None:
            pids = {name: process.pid for name, process in running.items()}
            self._directory.write_endpoints({**self._endpoints, "pids": pids})
