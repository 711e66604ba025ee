"""File systems in memory that can be made full, and be given room again."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOM: Final = "4g"  # more than any test needs; memory is taken for what is written alone
_LEFT_BYTES: Final = 32_000_000  # for what is written while the file system shrinks


class Disk:
    """A file system whose room can be taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Take all the room that there is; what is freed later is not taken."""
        if not self._ballast.exists():
            usage = os.statvfs(self._path)
            used = (usage.f_blocks - usage.f_bfree) * usage.f_frsize
            self._resize(str(used + _LEFT_BYTES))
        with self._ballast.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(65_536))

    def clear(self) -> None:
        """Give it back."""
        self._resize(ROOM)
        self._ballast.unlink(missing_ok=True)

    def _resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self._path)], check=True)  # noqa: S603, S607 - looked for below


def can_mount() -> bool:
    """True where such disks can be had."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


@contextlib.contextmanager
def mounted(path: Path) -> Iterator[Disk]:
    """Have such a disk at `path`, which is made, for as long as the body runs."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "small", str(path)], check=True)  # noqa: S603, S607 - looked for above
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)  # noqa: S603, S607 - see above
