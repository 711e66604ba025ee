"""What was promised, against the log: a 200 is in it once, a denial never was, and what was open has settled."""

import hashlib
from collections import Counter

import msgspec
from tests.chaos.history import READS, Call, History, Kind
from tests.system.guarantees.folding import Accepted, Log

_MADE_EACH_TIME = (Kind.CREATE, Kind.CHANGE)  # each with a name that nobody gave before: it cannot be so already


def broken_promises(history: History, log: Log) -> list[str]:
    """Return how the log contradicts what clients were told."""
    commands = Counter((a.envelope.stream, a.envelope.command_id) for a in log.accepted)
    broken = [f"{command} took effect {count} times" for command, count in commands.items() if count > 1]
    digests = _digests(log)
    for calls in history.operations().values():
        broken += [f"{fault}: {calls}" for fault in _faults(log, digests, calls)]
    return broken + _inventions(history, log)


def _faults(log: Log, digests: set[tuple[str, int, str]], calls: list[Call]) -> list[str]:
    faults = []
    effects = [effect for call in calls for effect in log.by_trace(call.trace)]
    kind, last = calls[-1].kind, calls[-1]
    if len(effects) > 1:
        faults.append(f"acted {len(effects)} times")
    if effects and (kind is Kind.REFUSED or kind in READS):
        faults.append("acted though that was impossible")
    for call in calls:
        faults += _faults_of_try(log, call, effects)
    if last.status == 200 and kind in _MADE_EACH_TIME and not effects:
        faults.append("is not in the log")
    told = last.told
    if told is not None and kind is not Kind.LOOK_UP and (told.assistant, told.version, told.digest) not in digests:
        faults.append("was answered with a state that never was")
    return faults


def _faults_of_try(log: Log, call: Call, effects: list[Accepted]) -> list[str]:
    faults = []
    own = log.by_trace(call.trace)
    if call.left_nothing and own:
        faults.append("acted though its answer denied it")
    if call.location and call.settled not in ("accepted", "void"):
        faults.append(f"has not settled, but is {call.settled or 'unknown'}")
    if call.settled == "void" and own:
        faults.append("acted though its status denies it")
    if call.settled == "accepted" and not effects:
        faults.append("did not act though its status says so")
    return faults


def _inventions(history: History, log: Log) -> list[str]:
    """Return the events of accounts that clients worked with which none of them asked for."""
    asked = {call.trace for call in history.calls}
    accounts = {call.account for call in history.calls}
    return [
        f"nobody asked for {a.envelope.type} at height {a.envelope.height} of {a.envelope.stream}"
        for a in log.accepted
        if a.envelope.stream in accounts and a.envelope.traceparent not in asked and _is_work(a)
    ]


def _is_work(accepted: Accepted) -> bool:
    return accepted.envelope.type not in ("AccountOpened", "KeyIssued")  # by the operators, before the work begins


def _digests(log: Log) -> set[tuple[str, int, str]]:
    return {
        (assistant, version, hashlib.sha256(record).hexdigest())
        for (assistant, version), record in log.records_of_versions.items()
    }


def tally(history: History) -> Counter[str]:
    """Return how many requests were answered how."""
    told: Counter[str] = Counter()
    for call in history.calls:
        if not call.status:
            told["no answer" if call.was_reached else "not reached"] += 1
        else:
            told[f"503 {call.code}" if call.status == 503 else str(call.status)] += 1
    return told


class Outcome(msgspec.Struct, frozen=True):
    """How operations ended for those who wanted them."""

    operations: int
    done: int
    refused: int
    indeterminate: int  # the client never had a definite answer
    settled: int  # of the requests that were open: told later by their Location


def outcome(history: History) -> Outcome:
    """Return how the operations ended."""
    lasts = [calls[-1] for calls in history.operations().values()]
    open_ones = [c for c in lasts if not c.is_definite and c.kind not in READS and not c.left_nothing]
    return Outcome(
        operations=len(lasts),
        done=sum(call.status == 200 for call in lasts),
        refused=sum(400 <= call.status < 500 for call in lasts),
        indeterminate=len(open_ones),
        settled=sum(bool(call.settled) for call in history.calls),
    )
