"""Files of lines: compressed, and read back without ever holding one whole."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

import zstandard

from patchbay.audit.errors import Damaged

_LEVEL: Final = 1  # of such lines makes no larger files than 3, in half of the time
_CHUNK_BYTES: Final = 128 * 1024  # what a core has near at hand
_WRITE_BYTES: Final = 256 * 1024  # handed to the compressor at once: line by line costs more than the compressing
MAX_LINE_BYTES: Final = 16 * 1024 * 1024  # above any record that the topic takes, in base64
_WINDOW_BYTES: Final = 8 * 1024 * 1024


class _Counted:
    """A file that is hashed as it is written or read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hash = sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        self.hash.update(content)
        self.size += len(content)
        return self._file.write(content)

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self.hash.update(content)
        self.size += len(content)
        return content

    def flush(self) -> None:
        self._file.flush()


class LineFile:
    """A file of lines that is being written; it has its name once it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._scratch = path.with_suffix(".part")
        self._file = self._scratch.open("wb")
        self._counted = _Counted(self._file)
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._stream = compressor.stream_writer(cast("IO[bytes]", self._counted), closefd=False)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self.content_bytes = 0
        self.lines = 0

    def write(self, line: bytes) -> None:
        """Append one line, its line feed included."""
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        self.content_bytes += len(line)
        self.lines += 1
        if self._waiting_bytes >= _WRITE_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._stream.write(b"".join(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0

    def finish(self) -> tuple[int, str]:
        """Complete the file; return its size and its SHA-256."""
        self._flush()
        self._stream.close()  # type: ignore[no-untyped-call] # zstandard's stubs say nothing of it
        self._file.flush()
        os.fsync(self._file.fileno())  # a backup that a power cut takes back is none
        self._file.close()
        self._scratch.replace(self._path)
        return self._counted.size, self._counted.hash.hexdigest()

    def close(self) -> None:
        """Leave it as it is, without its name; harmless once it is finished."""
        self._file.close()


class LinesOf:
    """The lines of a file, and afterwards its size and its SHA-256."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.bytes = 0
        self.sha256 = ""

    def __iter__(self) -> Iterator[bytes]:
        """
        Return the lines, without their line feeds.

        Raises:
            Damaged: There is no such file, it cannot be decompressed, or does not end with a line.
        """
        number = 0
        try:
            with self._path.open("rb") as file:
                counted = _Counted(file)
                for line in _split(counted):
                    number += 1
                    yield line
                while counted.read(_CHUNK_BYTES):
                    pass  # what lies behind the compressed content is the file's as well
                self.bytes, self.sha256 = counted.size, counted.hash.hexdigest()
        except OSError as error:
            raise Damaged(f"it cannot be read ({error.strerror})", file=self._path.name) from error
        except (zstandard.ZstdError, _Unsplit) as error:
            raise Damaged(f"it ends or is unreadable here ({error})", file=self._path.name, line=number + 1) from error


class _Unsplit(Exception):
    """What is read there cannot be a line."""


def _split(file: _Counted) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    rest = b""
    with decompressor.stream_reader(cast("IO[bytes]", file), read_size=_CHUNK_BYTES, closefd=False) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            if len(rest) > MAX_LINE_BYTES:
                raise _Unsplit("a line without an end")
            yield from lines
    if rest:
        raise _Unsplit("no line feed at the end")
