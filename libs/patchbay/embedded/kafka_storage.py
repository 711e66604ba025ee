"""
The storage that a broker begins with: what Kafka's own tool makes of an empty directory.

The tool takes a Java of its own, most of a second of a processor. What it writes is the same for each directory but for
who the broker is, so it is kept beside the jars, and the next directory gets a copy.
"""

import base64
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from patchbay.embedded.errors import ServerNotStarted
from patchbay.embedded.files import write_atomically

_IDENTITY: Final = "meta.properties"  # which broker of which cluster it is, and which directory; it is written last
_NODE_ID: Final = re.compile(r"^node\.id=(\d+)$", re.MULTILINE)
_FORMAT_TIMEOUT_SECONDS: Final = 60.0
_MOST_BYTES: Final = 1_000_000
_DIGEST_BYTES: Final = 32


def storage_file(jars: Sequence[Path], cache: Path) -> Path:
    """Return the file that keeps what the tool of these jars has written."""
    known = hashlib.sha256()
    for jar in jars:
        with suppress(OSError):
            known.update(f"{jar}\0{jar.stat().st_mtime_ns}\0".encode())
    return cache / f"kafka-{known.hexdigest()[:16]}.storage"


def new_id() -> str:
    """Return an id that no other cluster, and no other directory, has: 16 random bytes as text."""
    drawn = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
    return f"k{drawn[1:]}"  # a leading dash would be taken for an option


def is_formatted(directory: Path) -> bool:
    """True if there is a storage in the broker's directory."""
    return (directory / "data" / _IDENTITY).exists()


def format_storage(
    tool: Sequence[str],
    directory: Path,
    *,
    kept: Path,
    cluster_id: str,
    passwords: Mapping[str, str],
    log_path: Path,
) -> None:
    """
    Make the storage `data` of a broker's directory, which has its `server.properties`.

    Args:
        tool: Kafka's, with all that it needs to run.
        directory: Of the broker.
        kept: See `storage_file`; made if it is not there.
        cluster_id: Of the broker's cluster.
        passwords: Of users that log in by SCRAM-SHA-512; these stand in the storage, so that it is not kept.
        log_path: Where the tool prints.

    Raises:
        ServerNotStarted: The tool has failed.
        OSError: The directory cannot be written.
    """
    data = directory / "data"
    files = None if passwords else _read(kept)
    if files is None:
        _run(tool, directory, log_path, cluster_id, passwords)
        if not passwords:
            _keep(data, kept)
        return
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(data / name, content)
    node_id = _NODE_ID.findall((directory / "server.properties").read_text())[0]
    identity = f"cluster.id={cluster_id}\ndirectory.id={new_id()}\nnode.id={node_id}\nversion=1\n"
    write_atomically(data / _IDENTITY, identity.encode())


def _run(tool: Sequence[str], directory: Path, log_path: Path, cluster_id: str, passwords: Mapping[str, str]) -> None:
    config = str(directory / "server.properties")
    command = (*tool, "format", "--config", config, "--cluster-id", cluster_id, *_added(passwords))
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        done = subprocess.run(command, stdout=log, stderr=log, timeout=_FORMAT_TIMEOUT_SECONDS, check=False)  # noqa: S603 -- our own Java
    if done.returncode != 0:
        raise ServerNotStarted("kafka", f"its storage cannot be formatted (exit code {done.returncode})", log_path)


def _added(passwords: Mapping[str, str]) -> Iterator[str]:
    for user, password in passwords.items():
        yield from ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")


def _keep(data: Path, kept: Path) -> None:
    paths = [path for path in data.rglob("*") if path.is_file() and path.name != _IDENTITY]
    if sum(path.stat().st_size for path in paths) > _MOST_BYTES:
        return
    packed = msgspec.msgpack.encode({os.fspath(path.relative_to(data)): path.read_bytes() for path in paths})
    with suppress(OSError):  # the next directory is made by the tool again
        write_atomically(kept, hashlib.sha256(packed).digest() + packed)


def _read(kept: Path) -> dict[str, bytes] | None:
    """Return the files, by their place in the storage; None if they are not there, or not as they were kept."""
    try:
        content = kept.read_bytes()
    except OSError:
        return None
    digest, packed = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(packed).digest() != digest:
        return None
    return msgspec.msgpack.decode(packed, type=dict[str, bytes])
