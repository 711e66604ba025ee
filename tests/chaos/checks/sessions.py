"""What one client sees: its own writes, and nothing older than it has seen before."""

from tests.chaos.history import Call, History, Kind


def stale_reads(history: History) -> list[str]:
    """Return the answers that show less than their client had been told before, or had written."""
    found = []
    for calls in history.by_client().values():
        seen: dict[str, int] = {}
        for call in calls:
            fault = _stale(call, seen)
            if fault:
                found.append(f"client {call.client}: {fault}: {call}")
            told = call.told
            if told is not None and call.kind is not Kind.LOOK_UP:
                seen[told.assistant] = max(seen.get(told.assistant, 0), told.version)
    return found


def _stale(call: Call, seen: dict[str, int]) -> str:
    """Return what is wrong with an answer; a token of one's last write must not be needed, but has to be honoured."""
    newest = seen.get(call.subject, 0)
    if call.kind is Kind.READ and newest and call.status == 404:
        return f"version {newest} was there, and is not"
    if call.kind is Kind.READ and call.told is not None and call.told.version < newest:
        return f"version {newest} was there, and version {call.told.version} is shown"
    if call.is_after and call.status == 400:
        return "its position is refused"
    return ""
