"""The services of Patchbay as processes: what each is started with, and how it tells that it is ready."""

import asyncio
import hashlib
import os
import socket
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from patchbay.embedded import Launch
from patchbay.settings import without_kafka_settings

SERVICES: Final = ("projector", "routing", "api")
_ANSWER_SECONDS: Final = 2.0

# On one's own machine there are no tenants to keep apart, and trying out how fast it is should end in no 429.
_UNLIMITED: Final = {"ACCOUNT_WRITES_PER_HOUR": "0", "ACCOUNT_WRITE_BYTES_PER_HOUR": "0"}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from one `patchbay up` to the next."""

    directory: Path
    kafka: str
    is_own_kafka: bool  # else it is what the environment says, and asks of clients what that says too
    database: str
    operator_key: str
    ports: Mapping[str, int]  # of each service


def service_launches(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Launch]:
    """Return how each service is started: from its environment only, as in production."""
    directory = hashlib.sha256(bytes(settings.directory)).hexdigest()[:8]
    common = {
        **(without_kafka_settings(environ) if settings.is_own_kafka else environ),
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka,
        "DATABASE_URL": settings.database,
        # A projection's owner takes over from itself at once, from another one only after its lease.
        "INSTANCE_ID": environ.get("INSTANCE_ID") or f"{socket.gethostname()}-{directory}",
        "API_HOST": "127.0.0.1",
        "HEALTH_HOST": "127.0.0.1",
        "API_TLS_CERTIFICATE_FILE": "",  # on loopback alone; commands and documents say http://
        "API_TLS_KEY_FILE": "",
    }
    launches = []
    for name in SERVICES:
        port = str(settings.ports[name])
        own = {"HEALTH_PORT": port}
        if name == "api":
            digest = hashlib.sha256(settings.operator_key.encode()).hexdigest()
            unlimited = {name: environ.get(name) or limit for name, limit in _UNLIMITED.items()}
            own = {"API_PORT": port, "OPERATOR_KEY_SHA256": digest} | unlimited
        launches.append(
            Launch(
                name=name,
                command=(sys.executable, "-m", f"patchbay.{name}"),
                environ=common | own,
                log_path=settings.directory / "logs" / f"{name}.log",
                probe=partial(answers_well, int(port), "/readyz"),
                alive_probe=partial(answers_well, int(port), "/livez"),
            )
        )
    return launches


async def answers_well(port: int, path: str) -> bool:
    """True if the service on this port answers this path with 200."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" % path.encode())
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status_line.split(b" ")[1:2] == [b"200"]
