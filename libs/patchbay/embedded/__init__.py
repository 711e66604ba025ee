"""
Real Kafka and real Postgres as child processes, for development, tests and `patchbay up`.

Those with TLS and logins, and their certificates, are in `secured` and `certificates`: few who import this need them.
"""

from patchbay.embedded.artifacts import Artifact, cache_directory
from patchbay.embedded.errors import (
    EmbeddedError,
    FetchFailed,
    NotWritable,
    PlatformNotSupported,
    ServerNotStarted,
    WrongChecksum,
)
from patchbay.embedded.fetch import fetch, missing
from patchbay.embedded.files import write_atomically
from patchbay.embedded.kafka import kafka_artifacts, lacks_quick_start, prepare_kafka, quicken_kafka, run_kafka
from patchbay.embedded.kafka_cluster import DIRECT, QUORUM, REPLICATION, Front, KafkaCluster, prepare_kafka_cluster
from patchbay.embedded.launch import Launch, Running, running, start
from patchbay.embedded.ports import free_port, is_free, keep_ports
from patchbay.embedded.postgres import postgres_artifacts, prepare_postgres, run_postgres
from patchbay.embedded.server import Server

__all__ = [
    "DIRECT",
    "QUORUM",
    "REPLICATION",
    "Artifact",
    "EmbeddedError",
    "FetchFailed",
    "Front",
    "KafkaCluster",
    "Launch",
    "NotWritable",
    "PlatformNotSupported",
    "Running",
    "Server",
    "ServerNotStarted",
    "WrongChecksum",
    "cache_directory",
    "fetch",
    "free_port",
    "is_free",
    "kafka_artifacts",
    "keep_ports",
    "lacks_quick_start",
    "missing",
    "postgres_artifacts",
    "prepare_kafka",
    "prepare_kafka_cluster",
    "prepare_postgres",
    "quicken_kafka",
    "run_kafka",
    "run_postgres",
    "running",
    "start",
    "write_atomically",
]
