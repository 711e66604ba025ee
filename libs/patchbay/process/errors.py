"""
What can go wrong before a process does its own work.

ProcessError
└── SettingsError
"""


class ProcessError(Exception):
    """A process cannot start or go on."""


class SettingsError(ProcessError):
    """Settings are missing or malformed; `faults` has one sentence for each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
