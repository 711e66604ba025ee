"""The settings of the API's process."""

from typing import Annotated

import msgspec

from patchbay.api.certificates import ServerCertificate
from patchbay.api.guarding import Limits, Networks
from patchbay.api.limits.write_limits import AccountExceptions, AccountLimits
from patchbay.process import Secret, SettingsError
from patchbay.tracing import TracingSettings

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Seconds = Annotated[float, msgspec.Meta(ge=0.1, le=3_600)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class ApiSettings(TracingSettings, frozen=True, kw_only=True):
    """What the API's process is told by its environment."""

    kafka_bootstrap_servers: str
    database_url: Secret
    topic: str = "patchbay.events"
    partitions: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 4  # only for a topic that is not there yet
    replication_factor: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1  # likewise
    api_host: str = "127.0.0.1"
    api_port: Port = 8080  # 0 = a free one
    api_tls_certificate_file: str | None = None
    api_tls_key_file: str | None = None
    api_connections: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 4_000
    api_connections_per_peer: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1_000
    api_trusted_proxies: Networks | None = None
    api_head_seconds: Seconds = 10.0
    api_body_seconds: Seconds = 5.0
    api_idle_seconds: Seconds = 75.0
    api_unread_seconds: Seconds = 30.0
    api_request_seconds: Seconds = 10.0
    api_leave_seconds: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0  # 5 where load is balanced over copies
    ready_lag_records: Annotated[int, msgspec.Meta(ge=0)] = 100_000  # of a projection; 0 = ready however far behind
    account_writes_per_hour: Annotated[int, msgspec.Meta(ge=0)] = 20_000  # of each account; 0 = no limit
    account_write_bytes_per_hour: Annotated[int, msgspec.Meta(ge=0)] = 67_108_864  # likewise
    account_write_exceptions: AccountExceptions | None = None
    operator_key_sha256: Digest | None = None  # of the first operator's key; the others are events
    database_connections: Annotated[int, msgspec.Meta(ge=2, le=100)] = 8
    event_streams: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 1_000  # that one process has open
    event_streams_per_key: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 50  # of them
    event_heartbeat_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=300)] = 15.0
    event_buffer_bytes: Annotated[int, msgspec.Meta(ge=4_096)] = 1_048_576  # unread, before a stream is cut off

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.api_tls_key_file is not None and self.api_tls_certificate_file is None:
            raise SettingsError(("API_TLS_KEY_FILE: there is no API_TLS_CERTIFICATE_FILE that it is the key of",))

    def certificate(self) -> ServerCertificate | None:
        """
        Return what the listener shows; None: it does no TLS.

        Raises:
            ValueError: The files cannot be used.
        """
        if self.api_tls_certificate_file is None:
            return None
        return ServerCertificate(self.api_tls_certificate_file, self.api_tls_key_file)

    def account_limits(self) -> AccountLimits:
        """Return what each account may write."""
        return AccountLimits(
            writes_per_hour=self.account_writes_per_hour,
            bytes_per_hour=self.account_write_bytes_per_hour,
            exceptions=self.account_write_exceptions,
        )

    def limits(self) -> Limits:
        """Return what connections may take."""
        return Limits(
            connections=self.api_connections,
            connections_per_peer=self.api_connections_per_peer,
            trusted_proxies=self.api_trusted_proxies,
            head_seconds=self.api_head_seconds,
            body_seconds=self.api_body_seconds,
            idle_seconds=self.api_idle_seconds,
            unread_seconds=self.api_unread_seconds,
            request_seconds=self.api_request_seconds,
        )
