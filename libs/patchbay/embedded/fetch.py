"""Fetch files once, several at a time, and keep none that is not the one of the lock file."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from patchbay.embedded.artifacts import Artifact
from patchbay.embedded.errors import FetchFailed, NotWritable, WrongChecksum

OnProgress = Callable[[str, int], None]  # (file, bytes that came in); called from several threads

_TRIES = 3
_PARALLEL = 6
_TIMEOUT_SECONDS = 20  # of silence on the wire


def missing(artifacts: Sequence[Artifact], cache: Path) -> list[Artifact]:
    """Return the artifacts that are not in the cache yet, or are there with another size."""
    return [a for a in artifacts if not _has_size(path_in_cache(a, cache), a.size_bytes)]


def path_in_cache(artifact: Artifact, cache: Path) -> Path:
    """Return where the artifact's file is kept; its digest is in the path, so that versions never meet."""
    return cache / "files" / artifact.sha256[:16] / artifact.file


def fetch(artifacts: Sequence[Artifact], cache: Path, on_progress: OnProgress = lambda _file, _count: None) -> None:
    """
    Bring every artifact into the cache; a file appears there whole and checked, or not at all.

    Files that are there already are checked too (0.1 s for all of them).

    Raises:
        FetchFailed: A file cannot be had.
        WrongChecksum: What came, or what is in the cache, is not the file that the lock file names.
        NotWritable: The cache cannot be written.
    """
    wanted = missing(artifacts, cache)
    for artifact in artifacts:
        if artifact not in wanted:
            check(artifact, path_in_cache(artifact, cache), hint="delete it to have it fetched again")
    if not wanted:
        return
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetching-") as workspace, _pool() as pool:
            for _ in pool.map(lambda one: _fetch_one(one, Path(workspace), cache, on_progress), wanted):
                pass
    except OSError as error:
        raise NotWritable(cache, error) from error


def check(artifact: Artifact, path: Path, *, hint: str) -> None:
    """
    Compare a file with the lock file.

    Raises:
        WrongChecksum: It is another file.
    """
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != artifact.sha256:
        raise WrongChecksum(str(path), expected=artifact.sha256, got=got, hint=hint)


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="fetch")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _fetch_one(artifact: Artifact, workspace: Path, cache: Path, on_progress: OnProgress) -> None:
    fetched = _download(artifact, workspace, on_progress)
    check(artifact, fetched, hint="nothing of it was kept")
    target = path_in_cache(artifact, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(target)


def _download(artifact: Artifact, workspace: Path, on_progress: OnProgress) -> Path:
    import requests  # noqa: PLC0415 -- 0.3 s that only a first start spends
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 -- the same

    reason = ""
    for number in range(_TRIES):
        meter = _Meter(artifact.file, on_progress)
        context = MavenContext(
            resolver=PythonResolver(progress_callback=meter.progress),
            repo_cache=workspace / f"{threading.get_ident()}-{number}",
            timeout=_TIMEOUT_SECONDS,
        )
        try:
            found: Path = (
                context.project(artifact.group, artifact.name).at_version(artifact.version).artifact().resolve()
            )
        except requests.RequestException as error:
            reason = _first_cause(error)
        except RuntimeError:  # what the resolver raises for any answer but 200
            reason = "no repository has it"
        else:
            return found
        meter.take_back()
    raise FetchFailed(artifact.file, reason)


class _Meter:
    """Counts one try's bytes, to take them back when it fails."""

    def __init__(self, file: str, on_progress: OnProgress) -> None:
        self._file = file
        self._on_progress = on_progress
        self._count = 0

    @contextmanager
    def progress(self, _file: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
        yield self._add

    def take_back(self) -> None:
        self._on_progress(self._file, -self._count)

    def _add(self, count: int) -> None:
        self._count += count
        self._on_progress(self._file, count)


def _has_size(path: Path, size_bytes: int) -> bool:
    try:
        return os.stat(path).st_size == size_bytes  # noqa: PTH116 -- one call per file at each start
    except (FileNotFoundError, NotADirectoryError):
        return False


def _first_cause(error: BaseException) -> str:
    while error.__context__ is not None or error.__cause__ is not None:
        error = error.__cause__ or error.__context__ or error
    return getattr(error, "strerror", None) or str(error).splitlines()[0] or type(error).__name__
