"""The settings of the API's process."""

from typing import Annotated

import msgspec

from patchbay.process import ProcessSettings, Secret

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class ApiSettings(ProcessSettings, frozen=True, kw_only=True):
    """What the API's process is told by its environment."""

    kafka_bootstrap_servers: str
    database_url: Secret
    topic: str = "patchbay.events"
    partitions: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 4  # only for a topic that is not there yet
    replication_factor: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1  # likewise
    api_host: str = "127.0.0.1"
    api_port: Port = 8080  # 0 = a free one
    operator_key_sha256: Digest | None = None  # of the first operator's key; the others are events
    database_connections: Annotated[int, msgspec.Meta(ge=2, le=100)] = 8
    event_streams: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 1_000  # that one process has open
    event_streams_per_key: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 50  # of them
    event_heartbeat_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=300)] = 15.0
    event_buffer_bytes: Annotated[int, msgspec.Meta(ge=4_096)] = 1_048_576  # unread, before a stream is cut off
