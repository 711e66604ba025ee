"""All of Patchbay as processes, each of which can be killed, frozen and started again by its name."""

import asyncio
import contextlib
import json
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path

import asyncpg
import psutil
from tests.forked import Start
from tests.secured import Secured
from tests.servers import eventually
from tests.system.guarantees.clients import Client, open_client
from tests.system.guarantees.disks import Disk
from tests.system.guarantees.readiness import is_ready, works_or_stands_by
from tests.system.guarantees.servers import plain_servers, secured_servers

from patchbay.embedded import Launch, Running, ServerNotStarted, free_port, start
from patchbay.eventlog import BootstrapServers, LogIdentity, open_log, open_reader

KAFKA, POSTGRES, PROJECTOR, ROUTING = "kafka", "postgres", "projector", "routing"
APIS = ("api-1", "api-2")
SERVICES = (PROJECTOR, ROUTING, *APIS)
STAND_BYS = {PROJECTOR: "projector-2", ROUTING: "routing-2"}  # second copies, which run where a test starts them
LEAVE_SECONDS = 2.0  # an API that stops goes on answering for so long: a busy machine's balancer notices late
SERVERS = (KAFKA, POSTGRES)
TOPIC = "patchbay.events"
READY_SECONDS = 30.0
LOG_TAIL_BYTES = 4_000

_READ_CHECKPOINTS = """
SELECT 'read_model' AS projection, partition, next_offset FROM read_model_1.checkpoints
UNION ALL
SELECT 'routing', partition, next_offset FROM routing_1.checkpoints
"""


class Cluster:
    """Kafka, Postgres, the projector, routing and two processes of the API, supervised by nobody but the test."""

    def __init__(
        self,
        launches: Mapping[str, Launch],
        *,
        kafka: BootstrapServers,
        database_url: str,
        ports: Mapping[str, int],
        start: Start = start,
    ) -> None:
        self.kafka = kafka
        self.database_url = database_url
        self.environ_of_commands: Mapping[str, str] = {}
        self.secured: Secured | None = None  # who may come, if not everybody may
        self.disks: Mapping[str, Disk] = {}  # of the servers, where these have some of their own
        self.ports = ports
        self.api_ports = [port for name, port in ports.items() if name.startswith("api-")]
        self.operator_key = ""
        self._launches = launches
        self._start = start
        self._running: dict[str, Running] = {}

    async def start(self, *names: str) -> None:
        """Start these processes and wait until all are ready; one that ends before is started again."""
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self._start_one(name))

    async def _start_one(self, name: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            process = self._running[name] = await self._start(self._launches[name])
            try:
                await process.wait_ready()
            except ServerNotStarted:
                if process.exit_code is None or time.monotonic() > deadline:
                    raise
            else:
                return

    def pid(self, name: str) -> int:
        """Return the id of a process that runs."""
        return self._running[name].pid

    async def start_all(self) -> None:
        """Start whatever does not run, if anything."""
        for names in (SERVERS, SERVICES):
            await self.start(*(name for name in names if self.has_ended(name)))

    async def stop_all(self) -> None:
        """Have everything stop that runs."""
        await asyncio.gather(*(self.stop(name) for name in self._running if name not in SERVERS))
        await self.stop(POSTGRES, KAFKA)

    def has_ended(self, name: str) -> bool:
        """True if a process that was started has ended by itself."""
        return self._running[name].exit_code is not None

    async def kill(self, name: str) -> None:
        """End a process as `kill -9` does."""
        await self._running[name].kill()

    async def stop(self, *names: str) -> None:
        """Have these processes stop in order; one that has ended already is passed over."""
        for name in names:
            process = self._running.get(name)
            if process is not None and not await process.stop():
                raise AssertionError(f"{name} did not stop in time and was killed")

    @contextlib.asynccontextmanager
    async def without(self, name: str) -> AsyncIterator[None]:
        """Have a process killed for as long as the body runs, and started again afterwards."""
        await self.kill(name)
        try:
            yield
        finally:
            await self.start(name)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Freeze a process with its children for as long as the body runs: connections stay, and nobody answers."""
        root = psutil.Process(self._running[name].pid)
        family = [root, *root.children(recursive=True)]
        try:
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGSTOP)
            yield
        finally:
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def works(self, name: str) -> Awaitable[bool]:
        """Return whether this process is ready, which is more than that it stands by."""
        return is_ready(self.ports[name])

    def client(self, key: str) -> contextlib.AbstractAsyncContextManager[Client]:
        """Give somebody with this key."""
        return open_client(self.api_ports, key)

    def operator(self) -> contextlib.AbstractAsyncContextManager[Client]:
        """Give somebody with the operators' key."""
        return open_client(self.api_ports, self.operator_key)

    async def identity(self, topic: str = TOPIC) -> LogIdentity:
        """Return which log it is."""
        return await open_log(self.kafka, topic)

    async def catch_up(
        self, deadline_seconds: float = READY_SECONDS, database_url: str | None = None, *, topic: str = TOPIC
    ) -> None:
        """Wait until both projections, of this database or another one, have passed all that is in the log now."""
        identity = await self.identity(topic)
        positions = dict.fromkeys(range(identity.partition_count), 0)
        async with open_reader(self.kafka, identity, positions) as reader:
            ends = await reader.end_offsets()
        connection = await asyncpg.connect(database_url or self.database_url)
        try:

            async def is_passed() -> bool:
                rows = await connection.fetch(_READ_CHECKPOINTS)
                return bool(rows) and all(row["next_offset"] >= ends[row["partition"]] for row in rows)

            await eventually(is_passed, deadline_seconds)
        finally:
            await connection.close()

    def log_sizes(self) -> dict[str, int]:
        """Return how long each service's log is now."""
        paths = {name: self._launches[name].log_path for name in (*SERVICES, *STAND_BYS.values())}
        return {name: path.stat().st_size if path.exists() else 0 for name, path in paths.items()}

    def errors_since(self, sizes: Mapping[str, int]) -> list[str]:
        """Return the lines by which services have asked for a person since their logs were of these sizes."""
        return [
            f"{name}: {line}"
            for name, size in sizes.items()
            for line in self._lines(name, size)
            if _asks_for_a_person(json.loads(line))
        ]

    def log_tails(self) -> dict[str, str]:
        """Return the last lines of every process' log."""
        tails = {}
        for name, launch in self._launches.items():
            size = launch.log_path.stat().st_size if launch.log_path.exists() else 0
            tails[name] = "\n".join(self._lines(name, max(0, size - LOG_TAIL_BYTES), all_lines=True))
        return tails

    def _lines(self, name: str, offset: int, *, all_lines: bool = False) -> list[str]:
        path = self._launches[name].log_path
        if not path.exists():
            return []  # it stands by and was never started
        with path.open("rb") as log:
            log.seek(offset)
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if all_lines or line.startswith("{")]


@contextlib.asynccontextmanager
async def run_cluster(
    directory: Path, *more_apis: str, is_secured: bool = False, start: Start = start
) -> AsyncIterator[Cluster]:
    """
    Run everything, on servers of its own, until the body is left.

    Args:
        directory: Of data and logs.
        more_apis: Names of further copies of the API.
        is_secured: Whether the servers are as in production.
        start: Starts a process.
    """
    servers = await (secured_servers if is_secured else plain_servers)(directory, TOPIC)
    names = (*SERVICES, *more_apis, *STAND_BYS.values())
    ports = {name: free_port() for name in names}
    operator_key = f"tk_test_{secrets.token_hex(20)}"
    environ = {
        "LOG_FORMAT": "json",
        "OPERATOR_KEY_SHA256": sha256(operator_key.encode()).hexdigest(),
        "ACCOUNT_WRITES_PER_HOUR": "0",  # the tests are one tenant that writes a lot
        "ACCOUNT_WRITE_BYTES_PER_HOUR": "0",
        "API_LEAVE_SECONDS": str(LEAVE_SECONDS),
    }
    launches = {launch.name: launch for launch in servers.launches}
    for name in names:
        port, process = str(ports[name]), name.partition("-")[0]
        launches[name] = Launch(
            name=name,
            command=(sys.executable, "-m", f"patchbay.{process}"),
            environ={**servers.environ_of(process), **environ}
            | {"INSTANCE_ID": name, "API_PORT": port, "HEALTH_PORT": port},
            log_path=directory / f"{name}.log",
            probe=partial(is_ready if name in (*APIS, *more_apis) else works_or_stands_by, ports[name]),
            stop_timeout_seconds=15.0,  # an API lets what is under way finish
        )
    cluster = Cluster(launches, kafka=servers.brokers, database_url=servers.database_url, ports=ports, start=start)
    cluster.operator_key, cluster.secured = operator_key, servers.secured
    cluster.environ_of_commands = servers.environ_of("commands")
    try:
        await cluster.start(*SERVERS)
        await servers.prepare()
        await cluster.start(*SERVICES, *more_apis)
        yield cluster
    finally:
        await cluster.stop_all()


def _asks_for_a_person(line: dict[str, str]) -> bool:
    # To aiokafka a broker that is away is an error; to us it is something to wait for.
    return line["level"] in ("error", "critical") and not line.get("logger", "").startswith("aiokafka")
