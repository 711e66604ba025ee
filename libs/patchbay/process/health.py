"""What a process knows of its own health."""

from collections.abc import Callable

Check = Callable[[], str | None]  # None: well; else one sentence that says what is wrong


class Health:
    """
    What a process knows of its own health.

    A check is asked at every request: it reads a fact that is there anyway (the last batch's age), and never waits.
    """

    def __init__(self) -> None:
        self.stopping = False  # set when the process begins to drain: it is no longer ready, but alive
        self._readiness: dict[str, Check] = {}
        self._liveness: dict[str, Check] = {}

    def add_readiness(self, name: str, check: Check) -> None:
        """Ask `check` at /readyz: a fault takes the process out of service."""
        self._readiness[name] = check

    def add_liveness(self, name: str, check: Check) -> None:
        """Ask `check` at /livez: a fault has the process ended and started again."""
        self._liveness[name] = check

    def faults(self) -> dict[str, str]:
        """Return what keeps the process from being ready, by the name of the check; empty: it is ready."""
        found = _ask(self._readiness)
        if self.stopping:
            found["process"] = "the process is stopping"
        return found

    def deadly_faults(self) -> dict[str, str]:
        """Return what only a new start can mend, by the name of the check."""
        return _ask(self._liveness)


def _ask(checks: dict[str, Check]) -> dict[str, str]:
    found = {}
    for name, check in checks.items():
        fault = check()
        if fault is not None:
            found[name] = fault
    return found
