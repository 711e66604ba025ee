"""After the storm: every open outcome is told, and every answer that was given is held against the log."""

import secrets
from collections import Counter
from collections.abc import Sequence
from functools import partial

import msgspec
from tests.servers import eventually
from tests.system.guarantees.folding import Accepted, Log
from tests.system.guarantees.writing import Kind, Operation, Try

SETTLE_SECONDS = 30.0


async def settle(operations: Sequence[Operation]) -> list[Operation]:
    """
    Have everything that is open told: what has a key is repeated until it is definite, every Location is asked.

    Returns:
        The further writes that this took: a record that lost its height is void once others have passed it.
    """
    nudges: list[Operation] = []
    for operation in operations:
        if operation.key is not None and not operation.last.is_definite:
            await eventually(partial(_repeat, operation), SETTLE_SECONDS)
    for operation in operations:
        for location in {this.location for this in operation.tries if this.location is not None}:
            await eventually(partial(_ask, operation, location, nudges), SETTLE_SECONDS)
    return nudges


async def _repeat(operation: Operation) -> bool:
    await operation.attempt(0)
    return operation.last.is_definite


async def _ask(operation: Operation, location: str, nudges: list[Operation]) -> bool:
    """Return whether the status is the last one; where it is not, move the streams on that it depends on."""
    reply = await operation.team.client.get(1, location)

    assert reply.status == 200, reply
    command = reply.json["command"]
    operation.statuses[location] = command["status"]
    if command["status"] == "pending":
        for nudge in _nudges(operation):
            nudges.append(nudge)
            await nudge.attempt(0)
    return command["status"] != "pending" and not command["waiting_for"]


def _nudges(operation: Operation) -> list[Operation]:
    team, shared = operation.team, operation.shared_assistant
    body: dict[str, object] = {"accountSlug": team.slug, "name": f"Nudge {secrets.token_hex(6)}"}
    nudges = [Operation(Kind.RENAME, team, "PATCH", f"/api/assistants/{shared}", body, shared)]
    if operation.kind in (Kind.REGISTER, Kind.REDIRECT, Kind.RELEASE):
        nudges.append(msgspec.structs.replace(operation, key=None, tries=[], statuses={}))
    return nudges


def broken_promises(log: Log, operations: Sequence[Operation]) -> list[str]:
    """Return how the log contradicts what clients were told."""
    commands = Counter((a.envelope.stream, a.envelope.command_id) for a in log.accepted)
    broken = [f"{command} took effect {count} times" for command, count in commands.items() if count > 1]
    for operation in operations:
        broken += [f"{operation.kind}: {fault}: {operation.tries}" for fault in _faults(log, operation)]
    return broken


def _faults(log: Log, operation: Operation) -> list[str]:
    faults = []
    effects = [effect for this in operation.tries for effect in _effects(log, operation, this)]
    if len(effects) > 1:
        faults.append(f"acted {len(effects)} times")
    for this in operation.tries:
        if this.left_nothing and _effects(log, operation, this):
            faults.append("acted though its answer denied it")
        status = operation.statuses.get(this.location or "")
        if status == "void" and _effects(log, operation, this):
            faults.append("acted though its status denies it")
        if status == "accepted" and not effects:
            faults.append("did not act though its status says so")
    if operation.kind is Kind.REFUSED and effects:
        faults.append("acted though that was impossible")
    reply = operation.last.reply
    if reply is not None and operation.last.is_done:
        if operation.kind in (Kind.RENAME, Kind.CREATE) and not effects:
            faults.append("is not in the log")
        if operation.kind in (Kind.RENAME, Kind.CREATE, Kind.ASSIGN) and not _is_state(log, reply.assistant):
            faults.append("was answered with a state that never was")
    return faults


def _effects(log: Log, operation: Operation, this: Try) -> list[Accepted]:
    """Return the accepted events of one try; of a release only the second one, by which the number is free."""
    is_release = operation.kind is Kind.RELEASE
    return [a for a in log.by_trace(this.trace) if not is_release or a.envelope.stream.startswith("pn_")]


def _is_state(log: Log, record: bytes) -> bool:
    told = msgspec.json.decode(record)
    return log.records_of_versions.get((told["id"], told["version"])) == record


def tally(operations: Sequence[Operation]) -> Counter[str]:
    """Return how many tries were answered how."""
    told: Counter[str] = Counter()
    for operation in operations:
        for this in operation.tries:
            if this.reply is None:
                told["no answer" if this.was_reached else "not reached"] += 1
            elif this.reply.status == 503:
                told[f"503 {this.reply.code}"] += 1
            else:
                told[str(this.reply.status)] += 1
    return told
