"""Ports of our own choice on loopback, kept as long as they are free."""

import json
import secrets
import socket
from pathlib import Path

from patchbay.embedded.files import write_atomically

# Below Linux' range for outgoing connections (32768-60999): nobody takes the port while its server starts again.
_FIRST, _LAST = 20_000, 32_000


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True if a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT does not count
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port on loopback that nobody listens on."""
    while True:
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        if is_free(port):
            return port


def keep_ports(file: Path, *names: str) -> dict[str, int]:
    """
    Return a port for each name: those that `file` remembers if all are free, else new ones, remembered there.

    Raises:
        OSError: The file cannot be written.
    """
    try:
        kept = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        kept = {}
    ports: dict[str, int] = {}
    for name in names:
        port = kept.get(name)
        while not isinstance(port, int) or port in ports.values() or not is_free(port):
            port = free_port()
        ports[name] = port
    if ports != kept:
        write_atomically(file, json.dumps(ports).encode())
    return ports
