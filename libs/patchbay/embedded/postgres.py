"""Postgres of our own: on loopback with a password, durable, in one directory."""

import asyncio
import lzma
import os
import secrets
import shutil
import signal
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from patchbay.embedded.artifacts import Artifact, cache_directory, load_lock, postgres_artifact
from patchbay.embedded.errors import NotWritable, ServerNotStarted
from patchbay.embedded.fetch import fetch, path_in_cache
from patchbay.embedded.files import write_atomically
from patchbay.embedded.launch import Launch, running
from patchbay.embedded.ports import keep_ports
from patchbay.embedded.server import Server
from patchbay.embedded.tls import Tls
from patchbay.embedded.unprivileged import Identity, hand_over, shim_command, unprivileged_identity

USER = "patchbay"
DATABASE = "patchbay"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
_HBA = b"hostssl all all 127.0.0.1/32 scram-sha-256\n"
_INITDB_TIMEOUT_SECONDS = 120.0


def postgres_artifacts() -> tuple[Artifact, ...]:
    """
    Return the file that has Postgres for this platform.

    Raises:
        PlatformNotSupported: There is none.
    """
    return (postgres_artifact(load_lock()),)


def prepare_postgres(
    directory: Path,
    *,
    log_path: Path | None = None,
    cache: Path | None = None,
    identity: Identity | None = None,
    tls: Tls | None = None,
) -> Server:
    """
    Make the directory ready for a server, whose binaries are in the cache; what is in it stays.

    The port is that of the last start if it is free, else a new one. The password is made once.

    Args:
        directory: Of the data, the password and the port.
        log_path: Where the server logs; in the directory if not given.
        cache: Where the binaries are.
        identity: Who the server runs as; not given, the first that works here.
        tls: With which no connection is taken without; None: none is taken with it.

    Returns:
        The plan to start it, with the URL of its database.

    Raises:
        EmbeddedError: The directory cannot be written, or the database cannot be initialised.
    """
    log_path = log_path or directory / "postgres.log"
    cache = cache or cache_directory()
    identity = identity or unprivileged_identity()
    try:
        binaries = unpack(postgres_artifacts()[0], cache)
        directory.mkdir(parents=True, exist_ok=True)
        password = _keep_password(directory / "password")
        port = keep_ports(directory / "ports.json", "postgres")["postgres"]
        data = directory.absolute() / "data"
        if not (data / "PG_VERSION").exists():
            _initialise(binaries, data, password, identity, log_path)
        of_tls = {} if tls is None else _write_tls(tls, data)
        hand_over(data, identity)
    except OSError as error:
        raise NotWritable(directory, error) from error
    settings = [f"--{name}={value}" for name, value in (_SETTINGS | of_tls | {"port": str(port)}).items()]
    url = f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"
    if tls is not None:
        url += f"?sslmode=verify-full&sslrootcert={tls.ca_file.absolute()}"
    launch = Launch(
        name="postgres",
        command=(str(binaries / "bin" / "postgres"), "-D", str(data), *settings),
        environ=_environ(),
        log_path=log_path,
        probe=lambda: answers(url),
        identity=identity,
        stop_signal=signal.SIGINT,  # "fast": ends the sessions, writes a checkpoint
    )
    return Server(launch=launch, address=url)


@asynccontextmanager
async def run_postgres(directory: Path) -> AsyncIterator[str]:
    """
    Run a server on this directory until the block is left, fetching what is missing.

    Returns:
        The URL of its database; its user may create others.

    Raises:
        EmbeddedError: It cannot be run; the message says why.
    """
    await asyncio.to_thread(fetch, postgres_artifacts(), cache_directory())
    server = await asyncio.to_thread(prepare_postgres, directory)
    async with running(server.launch):
        yield server.address


async def answers(url: str) -> bool:
    """True if the database takes connections; it is created if the server has only its own."""
    try:
        connection = await asyncpg.connect(url, timeout=2.0)
    except asyncpg.InvalidCatalogNameError:
        return await _create_database(url)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close(timeout=2.0)
    return True


async def _create_database(url: str) -> bool:
    connection = await asyncpg.connect(url, database="postgres", timeout=2.0)
    try:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close(timeout=2.0)
    return True


def unpack(artifact: Artifact, cache: Path) -> Path:
    """
    Return the directory with the binaries, unpacking them at the first time.

    Raises:
        OSError: The cache cannot be written.
    """
    target = cache / "postgres" / artifact.sha256[:16]
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=target.parent, prefix="unpacking-") as workspace,
        zipfile.ZipFile(path_in_cache(artifact, cache)) as jar,
    ):
        (packed,) = [name for name in jar.namelist() if name.endswith(".txz")]
        whole = Path(workspace) / "whole"
        with jar.open(packed) as stream, lzma.open(stream) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
            tar.extractall(whole)  # noqa: S202 -- its SHA-256 is the lock file's
        try:
            whole.rename(target)
        except OSError:
            if not target.exists():  # else another process was faster
                raise
    return target


def _initialise(binaries: Path, data: Path, password: str, identity: Identity, log_path: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)  # half of an initdb that was killed
    data.mkdir(mode=0o700)
    hand_over(data, identity)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    command = (
        *(str(binaries / "bin" / "initdb"), "-D", str(data), "--username", USER, "--pwfile", "/dev/stdin"),
        *("--auth", "scram-sha-256", "--no-locale", "--encoding", "UTF8", "--data-checksums"),
    )
    with log_path.open("ab") as log:
        done = subprocess.run(  # noqa: S603 -- our own binaries
            shim_command(identity, signal.SIGKILL, command),
            input=password.encode() + b"\n",
            stdout=log,
            stderr=log,
            env=_environ(),
            timeout=_INITDB_TIMEOUT_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise ServerNotStarted("postgres", f"its data cannot be initialised (exit code {done.returncode})", log_path)


def _write_tls(tls: Tls, data: Path) -> dict[str, str]:
    """Put what the server needs where it may read it, and return its settings."""
    own = data / "tls"
    own.mkdir(mode=0o700, exist_ok=True)
    files = {"crt": tls.certificate.certificate.read_bytes(), "key": tls.certificate.key.read_bytes(), "hba": _HBA}
    for name, content in files.items():
        write_atomically(own / name, content)
    return {
        "ssl": "on",
        "ssl_cert_file": str(own / "crt"),
        "ssl_key_file": str(own / "key"),
        "hba_file": str(own / "hba"),
    }


def _keep_password(file: Path) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        password = secrets.token_hex(24)
        write_atomically(file, password.encode())
        return password


def _environ() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
