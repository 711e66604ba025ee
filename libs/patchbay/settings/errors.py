"""
What can be wrong with what a process is told.

SettingsError    by itself
Refused          by the word of a server: a mistake at the start, which waiting does not mend
"""


class SettingsError(Exception):
    """Settings are missing or malformed; `faults` has one sentence for each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Refused(Exception):
    """A server does not let this process in, or not do what it has to; the sentence says what a person has to mend."""
