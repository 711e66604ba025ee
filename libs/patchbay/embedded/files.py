"""Small files that survive a crash."""

import os
from pathlib import Path


def write_atomically(file: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace the file by one with this content, on disk before it has the name."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)
