"""
Why a server of our own cannot be run; each message is one sentence that says what to do.

EmbeddedError
├── PlatformNotSupported
├── FetchFailed
├── WrongChecksum
├── NotWritable
└── ServerNotStarted
"""

from pathlib import Path


class EmbeddedError(Exception):
    """A server of our own cannot be run here."""


class PlatformNotSupported(EmbeddedError):
    """There is no binary of `what` for this platform."""

    def __init__(self, what: str, platform: str, instead: str) -> None:
        super().__init__(f"There is no {what} binary for this platform ({platform}); {instead}.")
        self.what = what
        self.platform = platform


class FetchFailed(EmbeddedError):
    """A file could not be fetched."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file} cannot be fetched ({reason}); the first start needs the network, later ones do not.")
        self.file = file
        self.reason = reason


class WrongChecksum(EmbeddedError):
    """A file is not the one that the lock file names."""

    def __init__(self, file: str, *, expected: str, got: str, hint: str) -> None:
        super().__init__(f"{file} is not the file it should be: expected SHA-256 {expected}, got {got}; {hint}.")
        self.file = file
        self.expected = expected
        self.got = got


class NotWritable(EmbeddedError):
    """A directory cannot be written: read-only, or no space left."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path} cannot be written: {error.strerror or error}.")
        self.path = path
        self.error = error


class ServerNotStarted(EmbeddedError):
    """A server ended, or did not answer in time; its log says why."""

    def __init__(self, name: str, reason: str, log_path: Path) -> None:
        super().__init__(f"{name} did not start: {reason} (its log is {log_path}).")
        self.name = name
        self.reason = reason
        self.log_path = log_path
