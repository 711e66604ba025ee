"""Several brokers of our own that replicate one another, for tests of what a cluster goes through."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from patchbay.embedded.errors import NotWritable
from patchbay.embedded.files import write_atomically
from patchbay.embedded.kafka import TUNING, prepare_broker
from patchbay.embedded.kafka_storage import new_id
from patchbay.embedded.ports import keep_ports
from patchbay.embedded.server import Server

DIRECT = "DIRECT"  # the listener that no front stands before
REPLICATION, QUORUM = "REPLICATION", "QUORUM"  # among brokers

# Every broker is a controller too. `controller.quorum.voters` is each broker's own word of where the others are, so a
# front before a controller's port is passed through.
_PROPERTIES = """\
process.roles=broker,controller
node.id={node}
listeners={listeners}
advertised.listeners={advertised}
inter.broker.listener.name=REPLICATION
controller.listener.names=QUORUM
controller.quorum.voters={voters}
listener.security.protocol.map={protocols}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas=2
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor={replicas}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.num.partitions=1
# A replica that does not follow is out of the set after seconds, not after half a minute.
replica.lag.time.max.ms=4000
"""

Front = Callable[[str, str, int], int]  # (listener, broker, its port) -> the port on which others reach it


class KafkaCluster(msgspec.Struct, frozen=True, kw_only=True):
    """Brokers that are ready to be started, and where they are reached."""

    servers: tuple[Server, ...]
    bootstrap: dict[str, str]  # by listener: `host:port,host:port,…`


def prepare_kafka_cluster(
    directory: Path,
    *,
    brokers: int = 3,
    listeners: Sequence[str] = (),
    front: Front = lambda _listener, _broker, port: port,
    heap_megabytes: int = 384,
) -> KafkaCluster:
    """
    Make the directory ready for a cluster, whose jars are in the cache; what is in it stays.

    Args:
        directory: Of the ports and of each broker's data.
        brokers: How many; all of them vote.
        listeners: Further ones for clients, each of which sees the brokers at ports of its own.
        front: What stands before a port of those listeners, of `REPLICATION` and of `QUORUM`: nothing, if not given.
        heap_megabytes: Of each broker.

    Raises:
        EmbeddedError: There is no Java, the directory cannot be written, or a storage cannot be formatted.
    """
    names = [f"kafka-{node}" for node in range(1, brokers + 1)]
    own = _keep_ports(directory, names, (DIRECT, *listeners, REPLICATION, QUORUM))
    reached = {
        name: {each: port if each == DIRECT else front(each, name, port) for each, port in ports.items()}
        for name, ports in own.items()
    }
    voters = ",".join(f"{node}@127.0.0.1:{reached[name][QUORUM]}" for node, name in enumerate(names, 1))
    cluster_id = _keep_cluster_id(directory / "cluster-id")
    servers = []
    for node, name in enumerate(names, 1):
        properties = _PROPERTIES.format(
            node=node,
            listeners=_addresses(own[name]),
            advertised=_addresses(reached[name]),
            voters=voters,
            protocols=",".join(f"{listener}:PLAINTEXT" for listener in own[name]),
            data=(directory / name / "data").absolute(),
            replicas=brokers,
        )
        server = prepare_broker(
            name,
            directory / name,
            properties + TUNING,
            address=f"127.0.0.1:{own[name][DIRECT]}",
            heap_megabytes=heap_megabytes,
            log_path=directory / f"{name}.log",
            cluster_id=cluster_id,
        )
        servers.append(server)
    bootstrap = {
        listener: ",".join(f"127.0.0.1:{reached[name][listener]}" for name in names)
        for listener in (DIRECT, *listeners)
    }
    return KafkaCluster(servers=tuple(servers), bootstrap=bootstrap)


def _addresses(ports: dict[str, int]) -> str:
    return ",".join(f"{listener}://127.0.0.1:{port}" for listener, port in ports.items())


def _keep_ports(directory: Path, names: Sequence[str], listeners: Sequence[str]) -> dict[str, dict[str, int]]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        kept = keep_ports(directory / "ports.json", *(f"{name}.{each}" for name in names for each in listeners))
    except OSError as error:
        raise NotWritable(directory, error) from error
    return {name: {each: kept[f"{name}.{each}"] for each in listeners} for name in names}


def _keep_cluster_id(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        cluster_id = new_id()
        write_atomically(file, cluster_id.encode())
        return cluster_id
