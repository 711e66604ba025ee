"""No request outlives its deadline, unless what it waited for could not answer: a process that is frozen cannot."""

from collections.abc import Sequence

from tests.chaos.history import History
from tests.chaos.nemesis import Entry
from tests.system.guarantees.cluster import APIS

BOUND_SECONDS = 12.0  # API_REQUEST_SECONDS is 10, and the machine has other things to do
AFTERMATH_SECONDS = 3.0


def late_answers(history: History, journal: Sequence[Entry]) -> list[str]:
    """Return the requests that took longer though nothing hindered the API, nor the way to it."""
    hindered = [
        (entry.began, entry.ended + max(0.0, entry.recovered_seconds) + AFTERMATH_SECONDS, entry.target)
        for entry in journal
    ]
    return [
        f"{call.ended - call.began:.1f} s: {call}"
        for call in history.calls
        if call.ended - call.began > BOUND_SECONDS
        and not any(
            began < call.ended and call.began < ended and _hinders(target, APIS[call.api])
            for began, ended, target in hindered
        )
    ]


def _hinders(target: str, api: str) -> bool:
    return target in (api, f"clients>{api}", "everything")
