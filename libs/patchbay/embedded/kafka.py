"""Kafka of our own: one node in KRaft mode, on loopback, in one directory."""

import asyncio
import os
import signal
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from patchbay.embedded.artifacts import Artifact, cache_directory, load_lock
from patchbay.embedded.errors import NotWritable
from patchbay.embedded.fetch import fetch, path_in_cache
from patchbay.embedded.files import write_atomically
from patchbay.embedded.java import find_java
from patchbay.embedded.kafka_storage import format_storage, is_formatted, new_id, storage_file
from patchbay.embedded.launch import Launch, running
from patchbay.embedded.ports import keep_ports
from patchbay.embedded.quick_start import make_quick_start_file, quick_start_file, quick_start_options
from patchbay.embedded.server import Server

# `controller.quorum.voters` is the static way to name the one voter: its address stands here only and not in the
# metadata log, so the ports may change from one start to the next.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
"""

# Of a broker that is alone.
UNREPLICATED = """\
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# Else it writes twice a second that nothing has happened, which nobody waits for: a quarter of what it does when idle.
metadata.max.idle.interval.ms=10000
"""

# Of every broker of ours, alone or in a cluster.
TUNING = """\
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
# A broker that was killed comes back under a new epoch only when its old session is over.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
"""

_LOGGING = """\
handlers=java.util.logging.ConsoleHandler
java.util.logging.ConsoleHandler.level=ALL
java.util.logging.ConsoleHandler.formatter=java.util.logging.SimpleFormatter
java.util.logging.SimpleFormatter.format=%1$tFT%1$tT.%1$tL %4$s %3$s %5$s%6$s%n
.level=WARNING
kafka.server.level=INFO
org.apache.kafka.common.config.level=WARNING
"""

JAVA_OPTIONS = "JDK_JAVA_OPTIONS"  # read by Java's own launcher, before the options of a command
# Java's first compiler alone. The second one makes faster code of what is called very often, and takes a tenth of a
# core for many minutes to find out what that is; a broker that is asked some hundred times a second does not earn it.
_COMPILER_LEVEL = "TieredStopAtLevel"
_FIRST_COMPILER = f"-XX:{_COMPILER_LEVEL}=1"


def kafka_artifacts() -> tuple[Artifact, ...]:
    """Return the jars that a broker needs."""
    return load_lock().kafka


def prepare_kafka(directory: Path, *, log_path: Path | None = None, cache: Path | None = None) -> Server:
    """
    Make the directory ready for a broker, whose jars are in the cache; what is in it stays.

    The ports are those of the last start if they are free, else new ones.

    Returns:
        The plan to start it, with its bootstrap address.

    Raises:
        EmbeddedError: There is no Java, the directory cannot be written, or the storage cannot be formatted.
    """
    log_path = log_path or directory / "kafka.log"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        ports = keep_ports(directory / "ports.json", "client", "controller")
    except OSError as error:
        raise NotWritable(directory, error) from error
    properties = _PROPERTIES.format(data=directory.absolute() / "data", **ports) + UNREPLICATED + TUNING
    address = f"127.0.0.1:{ports['client']}"
    return prepare_broker(
        "kafka", directory, properties, address=address, heap_megabytes=512, log_path=log_path, cache=cache
    )


def prepare_broker(
    name: str,
    directory: Path,
    properties: str,
    *,
    address: str,
    heap_megabytes: int,
    log_path: Path,
    cache: Path | None = None,
    cluster_id: str | None = None,
    passwords: Mapping[str, str] | None = None,
    ca_file: Path | None = None,
) -> Server:
    """
    Make the directory ready for the broker that `properties` describe; what is in it stays.

    Args:
        name: Of the process.
        directory: With `data` in it, where `log.dirs` points to.
        properties: The whole of `server.properties`.
        address: Where it is asked whether it is ready, `host:port`.
        heap_megabytes: What Java may take for objects; it needs some 100 more.
        log_path: Where it logs.
        cache: Where the jars are.
        cluster_id: What its storage is formatted with; None: a new one.
        passwords: Of users that log in by SCRAM-SHA-512, made with the storage.
        ca_file: Whose certificate it has at this address; None: it does no TLS there.

    Raises:
        EmbeddedError: There is no Java, the directory cannot be written, or the storage cannot be formatted.
    """
    java, paths, cache = find_java(), _jars(cache), cache or cache_directory()
    jars, quick = os.pathsep.join(map(str, paths)), quick_start_options(_quick_start_file(cache))
    log_settings = f"-Djava.util.logging.config.file={directory.absolute() / 'logging.properties'}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(directory / "server.properties", properties.encode())
        write_atomically(directory / "logging.properties", _LOGGING.encode())
        if not is_formatted(directory):
            format_storage(
                (
                    *(str(java), *quick, "-Xmx128m", "-XX:+UseSerialGC", _FIRST_COMPILER, log_settings),
                    *("-cp", jars, "kafka.tools.StorageTool"),
                ),
                directory,
                kept=storage_file(paths, cache),
                cluster_id=cluster_id or new_id(),
                passwords=passwords or {},
                log_path=log_path,
            )
    except OSError as error:
        raise NotWritable(directory, error) from error
    launch = Launch(
        name=name,
        command=(
            *(str(java), *quick, f"-Xmx{heap_megabytes}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
            *_compiler_option(),
            *(log_settings, "-cp", jars, "kafka.Kafka", str(directory.absolute() / "server.properties")),
        ),
        environ=_environ(),
        log_path=log_path,
        probe=lambda: answers(address, ca_file),
        stop_signal=signal.SIGTERM,
    )
    return Server(launch=launch, address=address)


def lacks_quick_start(cache: Path | None = None) -> bool:
    """True if every start of Kafka takes longer than it would after `quicken_kafka`."""
    file = _quick_start_file(cache)
    return file is not None and not file.exists() and not file.with_suffix(".none").exists()


def quicken_kafka(cache: Path | None = None, interrupted: threading.Event | None = None) -> None:
    """
    Make all later starts of Kafka quick, once for this Java and these jars, which are in the cache. Takes some seconds.

    Args:
        cache: Where the jars are, and the file will be.
        interrupted: Set by another thread to end it at once; nothing is left then.

    Raises:
        PlatformNotSupported: There is no Java.
    """
    file = _quick_start_file(cache)
    if file is not None:
        make_quick_start_file(file, lambda directory: prepare_kafka(directory, cache=cache).launch, interrupted)


@asynccontextmanager
async def run_kafka(directory: Path) -> AsyncIterator[str]:
    """
    Run a broker on this directory until the block is left, fetching what is missing.

    Returns:
        Its bootstrap address.

    Raises:
        EmbeddedError: It cannot be run; the message says why.
    """
    await asyncio.to_thread(fetch, kafka_artifacts(), cache_directory())
    server = await asyncio.to_thread(prepare_kafka, directory)
    async with running(server.launch):
        yield server.address


async def answers(address: str, ca_file: Path | None = None) -> bool:
    """True if a broker at `host:port` answers, which it does only when it takes requests (ApiVersions, version 0)."""
    host, port = address.rsplit(":", 1)
    request = struct.pack(">hhih", 18, 0, 1, -1)
    context = None if ca_file is None else ssl.create_default_context(cafile=ca_file)
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
            try:
                writer.write(struct.pack(">i", len(request)) + request)
                answer = await reader.readexactly(10)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError):
        return False
    return answer[8:10] == b"\x00\x00"


def _compiler_option() -> tuple[str, ...]:
    """Return what Java is told of its compilers, unless the user's own options tell it."""
    return () if _COMPILER_LEVEL in os.environ.get(JAVA_OPTIONS, "") else (_FIRST_COMPILER,)


def _environ() -> dict[str, str]:
    """Return what Java gets to see: of the options that a user has for every Java, too."""
    kept = {name: os.environ[name] for name in (JAVA_OPTIONS,) if name in os.environ}
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", **kept}


def _jars(cache: Path | None) -> list[Path]:
    return [path_in_cache(jar, cache or cache_directory()) for jar in kafka_artifacts()]


def _quick_start_file(cache: Path | None) -> Path | None:
    return quick_start_file(find_java(), _jars(cache), cache or cache_directory())
