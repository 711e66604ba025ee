"""
Why `patchbay up` does not start; each message is one sentence that says what to do. Exit code 2.

CannotStart
├── AlreadyRunning
├── DirectoryOccupied
├── DirectoryUnusable
└── PortTaken
"""

from pathlib import Path

from patchbay.cli.errors import CliError


class CannotStart(CliError):
    """Patchbay cannot be started like this."""

    exit_code = 2
    default_code = "cannot_start"


class AlreadyRunning(CannotStart):
    """Another `patchbay up` has this data directory."""

    def __init__(self, directory: Path, pid: str) -> None:
        super().__init__(
            f"Patchbay already runs on {directory} (process {pid or 'unknown'}): stop it, or choose another directory "
            "with --data-dir (make run DATA_DIR=…)."
        )


class DirectoryOccupied(CannotStart):
    """The data directory holds something else than is to be run on it."""

    def __init__(self, directory: Path, what: str) -> None:
        super().__init__(
            f"The data directory {directory} holds {what}: choose another one with --data-dir, or take this one away."
        )


class DirectoryUnusable(CannotStart):
    """The data directory cannot be written, or its disk is full."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(
            f"The data directory {directory} cannot be used ({reason}): choose another one with --data-dir "
            "(make run DATA_DIR=…)."
        )


class PortTaken(CannotStart):
    """Another program listens on the API's port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} is in use by another program: choose another one with --api-port (make run API_PORT=…)."
        )
