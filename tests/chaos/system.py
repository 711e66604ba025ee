"""All of Patchbay with three brokers, a proxy on every link, and whoever dies started again."""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.chaos.processes import Processes
from tests.chaos.proxies import Proxies, run_proxies
from tests.system.guarantees.cluster import APIS, POSTGRES, PROJECTOR, ROUTING, SERVICES, TOPIC, Cluster
from tests.system.guarantees.readiness import is_ready

from patchbay.embedded import (
    DIRECT,
    KafkaCluster,
    Launch,
    cache_directory,
    fetch,
    free_port,
    kafka_artifacts,
    postgres_artifacts,
    prepare_kafka_cluster,
    prepare_postgres,
)

BROKERS: Final = ("kafka-1", "kafka-2", "kafka-3")
EVERYTHING: Final = (*BROKERS, POSTGRES, PROJECTOR, ROUTING, *APIS)
CLIENTS: Final = "clients"

Tell = Callable[[str], None]


class System:
    """What runs, and how it is reached."""

    def __init__(self, processes: Processes, proxies: Proxies, cluster: Cluster, directory: Path) -> None:
        self.processes = processes
        self.proxies = proxies
        self.cluster = cluster  # its clients go through proxies; the log and the database are read directly
        self.directory = directory
        self.began_at = time.monotonic()


@asynccontextmanager
async def run_system(directory: Path, *, seed: int, tell: Tell) -> AsyncIterator[System]:
    """
    Run everything until the body is left.

    Raises:
        EmbeddedError: A server cannot be run.
        ProgramMissing: There is no proxy.
    """
    await asyncio.to_thread(fetch, (*kafka_artifacts(), *postgres_artifacts()), cache_directory())
    async with run_proxies(directory, seed=seed) as proxies:
        kafka = await asyncio.to_thread(
            prepare_kafka_cluster, directory / "kafka", listeners=SERVICES, front=proxies.front
        )
        processes = Processes({server.launch.name: server.launch for server in kafka.servers})
        try:
            tell("starting three brokers")
            await processes.start(*BROKERS)
            postgres = await asyncio.to_thread(prepare_postgres, directory / POSTGRES)
            processes.launches[POSTGRES] = postgres.launch
            await processes.start(POSTGRES)
            tell("starting the services")
            operator_key = f"tk_test_{secrets.token_hex(20)}"
            ports = {name: free_port() for name in SERVICES}
            launches = await asyncio.to_thread(
                _services,
                kafka,
                database_url=postgres.address,
                operator_key=operator_key,
                ports=ports,
                directory=directory,
                proxies=proxies,
            )
            processes.launches.update(launches)
            await processes.start(*SERVICES)
            fronts = [await asyncio.to_thread(proxies.front, CLIENTS, name, ports[name]) for name in APIS]
            cluster = Cluster(
                processes.launches,
                kafka=kafka.bootstrap[DIRECT],
                database_url=postgres.address,
                ports=ports | dict(zip(APIS, fronts, strict=True)),
            )
            cluster.operator_key = operator_key
            async with processes.supervised():
                yield System(processes, proxies, cluster, directory)
        finally:
            tell("stopping")
            await processes.stop(*reversed(EVERYTHING))


def _services(
    kafka: KafkaCluster,
    *,
    database_url: str,
    operator_key: str,
    ports: Mapping[str, int],
    directory: Path,
    proxies: Proxies,
) -> dict[str, Launch]:
    address, _, database = database_url.rpartition("/")
    base, _, database_port = address.rpartition(":")
    launches = {}
    for name in SERVICES:
        front = proxies.front(name, POSTGRES, int(database_port))
        environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap[name],
            "DATABASE_URL": f"{base}:{front}/{database}",
            "TOPIC": TOPIC,
            "REPLICATION_FACTOR": str(len(BROKERS)),
            "LOG_FORMAT": "json",
            "OPERATOR_KEY_SHA256": sha256(operator_key.encode()).hexdigest(),
            "ACCOUNT_WRITES_PER_HOUR": "0",
            "ACCOUNT_WRITE_BYTES_PER_HOUR": "0",
            "INSTANCE_ID": name,
            "API_PORT": str(ports[name]),
            "HEALTH_PORT": str(ports[name]),
        }
        launches[name] = Launch(
            name=name,
            command=(sys.executable, "-m", f"patchbay.{name.partition('-')[0]}"),
            environ=environ,
            log_path=directory / f"{name}.log",
            probe=partial(is_ready, ports[name]),
            stop_timeout_seconds=20.0,  # an API lets what is under way finish
            start_timeout_seconds=120.0,
        )
    return launches
