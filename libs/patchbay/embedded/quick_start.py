"""
Kafka's start in a third of the time: what Java loads and links at each start, kept in a file.

The file is Java's own (JEP 483 and 514, since Java 25): made by starting a broker once, of use to the same Java with
the same jars only. Java checks its sum and leaves it aside if it does not fit, so that it can make a start quick and
never wrong.
"""

import asyncio
import fcntl
import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from patchbay.embedded.errors import EmbeddedError
from patchbay.embedded.launch import Launch, start

FIRST_JAVA = 25
# Machine code is not kept: Java 25 finds some of its own not to fit, and says so at each start.
_NO_CODE = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching", "-XX:-AOTStubCaching")
LOOK_SECONDS = 0.1  # between looks whether somebody wants to stop
UNUSED_SECONDS = 30 * 24 * 3600.0
MAKING_TIMEOUT_SECONDS = 120.0  # some ten seconds where nothing else runs


def quick_start_file(java: Path, jars: Sequence[Path], cache: Path) -> Path | None:
    """Return the file for this Java and these jars; None if this Java makes none."""
    version = _release_of(java)
    if version is None:
        return None
    known = hashlib.sha256(version)
    for jar in (java, *jars):
        with suppress(OSError):
            known.update(f"{jar}\0{jar.stat().st_mtime_ns}\0".encode())
    return cache / f"kafka-{known.hexdigest()[:16]}.aot"


def quick_start_options(file: Path | None) -> tuple[str, ...]:
    """Return what Java is to be told to use the file; nothing if it is not there."""
    if file is None or not file.exists():
        return ()
    with suppress(OSError):
        file.touch()  # it is in use: see `_forget_unused`
    return (f"-XX:AOTCache={file}", "-XX:+VerifySharedSpaces", *_NO_CODE)


def make_quick_start_file(
    file: Path, launch_in: Callable[[Path], Launch], interrupted: threading.Event | None = None
) -> bool:
    """
    Make the file by starting a broker once in a directory of its own, unless somebody is at it; true if it is there.

    What goes wrong is no failure: brokers start without it, and it is not tried again until `<file>.none` is deleted.
    Once `interrupted` is set nothing is made.
    """
    failed = file.with_suffix(".none")
    if file.exists() or failed.exists():
        return file.exists()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_interrupted = (interrupted or threading.Event()).is_set
            if not file.exists() and not asyncio.run(_make(file, launch_in, is_interrupted)) and not is_interrupted():
                failed.touch()
    except OSError:
        return False  # somebody else makes it, or nothing can be kept here
    return file.exists()


async def _make(file: Path, launch_in: Callable[[Path], Launch], is_interrupted: Callable[[], bool]) -> bool:
    made = file.with_suffix(".making")
    made.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="patchbay-") as directory:
        try:
            launch = launch_in(Path(directory))
            java, *arguments = launch.command
            command = (java, f"-XX:AOTCacheOutput={made}", *_NO_CODE, *arguments)
            launch = msgspec.structs.replace(launch, command=command, stop_timeout_seconds=MAKING_TIMEOUT_SECONDS)
            await _start_and_stop(launch, is_interrupted)
        except EmbeddedError:
            return False
    if not made.exists():
        return False
    made.replace(file)
    _forget_unused(file.parent)
    return True


async def _start_and_stop(launch: Launch, is_interrupted: Callable[[], bool]) -> None:
    process = await start(launch)

    async def run() -> None:
        await process.wait_ready()
        await process.stop()  # it writes the file now

    task = asyncio.create_task(run())
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            if is_interrupted():
                process.kill_now()
        task.result()
    finally:
        task.cancel()
        await process.kill()


def _forget_unused(cache: Path) -> None:
    """Delete the files of Javas and jars that nobody has used for long."""
    for file in cache.glob("kafka-*.aot"):
        with suppress(OSError):
            if file.stat().st_mtime < time.time() - UNUSED_SECONDS:
                file.unlink()


def _release_of(java: Path) -> bytes | None:
    """Return what tells this Java from others; None if it is too old, or does not say."""
    with suppress(OSError, ValueError, IndexError):
        release = (java.parent.parent / "release").read_bytes()
        version = release.partition(b'JAVA_VERSION="')[2].partition(b'"')[0]
        if int(version.split(b".")[0]) >= FIRST_JAVA:
            return release
    return None
