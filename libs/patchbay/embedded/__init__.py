"""Real Kafka and real Postgres as child processes, for development, tests and `patchbay up`."""

from patchbay.embedded.artifacts import cache_directory
from patchbay.embedded.errors import (
    EmbeddedError,
    FetchFailed,
    NotWritable,
    PlatformNotSupported,
    ServerNotStarted,
    WrongChecksum,
)
from patchbay.embedded.fetch import fetch, missing
from patchbay.embedded.kafka import kafka_artifacts, prepare_kafka, run_kafka
from patchbay.embedded.launch import Launch, Running, running, start
from patchbay.embedded.postgres import postgres_artifacts, prepare_postgres, run_postgres
from patchbay.embedded.server import Server

__all__ = [
    "EmbeddedError",
    "FetchFailed",
    "Launch",
    "NotWritable",
    "PlatformNotSupported",
    "Running",
    "Server",
    "ServerNotStarted",
    "WrongChecksum",
    "cache_directory",
    "fetch",
    "kafka_artifacts",
    "missing",
    "postgres_artifacts",
    "prepare_kafka",
    "prepare_postgres",
    "run_kafka",
    "run_postgres",
    "running",
    "start",
]
