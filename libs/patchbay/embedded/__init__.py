"""Real Kafka and real Postgres as child processes, for development, tests and `patchbay up`."""

from patchbay.embedded.artifacts import Artifact, cache_directory
from patchbay.embedded.certificates import Authority, Certificate
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
from patchbay.embedded.secured import (
    ADMINISTRATOR,
    SecuredKafka,
    SecuredPostgres,
    prepare_secured_kafka,
    prepare_secured_postgres,
)
from patchbay.embedded.server import Server

__all__ = [
    "ADMINISTRATOR",
    "DIRECT",
    "QUORUM",
    "REPLICATION",
    "Artifact",
    "Authority",
    "Certificate",
    "EmbeddedError",
    "FetchFailed",
    "Front",
    "KafkaCluster",
    "Launch",
    "NotWritable",
    "PlatformNotSupported",
    "Running",
    "SecuredKafka",
    "SecuredPostgres",
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
    "prepare_secured_kafka",
    "prepare_secured_postgres",
    "quicken_kafka",
    "run_kafka",
    "run_postgres",
    "running",
    "start",
    "write_atomically",
]
