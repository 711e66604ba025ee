"""Per account everything is linearizable: Porcupine judges the history; the log tells what was never answered."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from tests.chaos.history import Call, History, Kind, Told
from tests.chaos.programs import linearizable
from tests.system.guarantees.folding import Accepted, Log

SECONDS_EACH: Final = 60  # for one account; more means that it was not decided
NEVER: Final = 2**62  # ns: when a write returned that nobody was told of


class Line(msgspec.Struct, omit_defaults=True):
    """One operation as `tools/linearizable` reads it."""

    object: str
    client: int
    call: int
    kind: str
    return_: int = msgspec.field(name="return")
    assistant: str = ""
    version: int = 0
    name: str = ""
    numbers: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    if_match: int = 0
    number: str = ""


def lines(history: History, log: Log) -> list[Line]:
    """
    Return the operations that an account's state depends on or was told by.

    What had no answer, or an open one, is in it if the log says that it took effect, and returned nobody knows when.
    Look-ups read another table than GET, which may be ahead of it by what has not been answered yet: they are an object
    of their own, together with the assignments.
    """
    touched: defaultdict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    for (assistant, version), place in log.versions.items():
        touched[place][assistant] = version
    ids = {number.phone_number: number.id for number in log.numbers.values()}
    found = []
    for calls in history.operations().values():
        line = _line(calls, log, touched)
        if line is not None:
            found.append(line)
            if line.kind == "assign":
                found.append(msgspec.structs.replace(line, object=f"routing {calls[0].account}"))
            elif line.kind == "look_up":
                line.number = ids[line.number]
    return found


def _line(calls: list[Call], log: Log, touched: Mapping[tuple[str, int], Mapping[str, int]]) -> Line | None:
    last = calls[-1]
    if last.status == 200 or last.status in (409, 412):
        return _answered(calls)
    for call in calls:
        for effect in log.by_trace(call.trace):
            if effect.envelope.stream == call.account:
                return _told_by_the_log(calls, effect, log, touched)
    return None


def _answered(calls: list[Call]) -> Line | None:
    last = calls[-1]
    told = last.told or Told()
    line = _begun(calls, return_=_ns(last.ended))
    if last.status == 412 or last.kind is Kind.REFUSED:
        return msgspec.structs.replace(line, kind="conflict", if_match=last.if_match)
    if last.status == 409:
        return msgspec.structs.replace(line, kind="taken") if last.kind is Kind.ASSIGN else None
    if last.kind is Kind.LOOK_UP:
        place = f"routing {last.account}"
        return msgspec.structs.replace(line, object=place, number=last.subject, assistant=told.assistant)
    if last.kind in (Kind.REGISTER, Kind.TRESPASS):
        return None
    return msgspec.structs.replace(
        line, assistant=told.assistant, version=told.version, name=told.name, numbers=told.numbers
    )


def _told_by_the_log(
    calls: list[Call], effect: Accepted, log: Log, touched: Mapping[tuple[str, int], Mapping[str, int]]
) -> Line:
    """Return an operation that nobody was told of, as it was by the log."""
    versions = touched[effect.envelope.stream, effect.envelope.height]
    assistant = calls[-1].subject or next(iter(versions))
    record = msgspec.json.decode(log.records_of_versions[assistant, versions[assistant]])
    return msgspec.structs.replace(
        _begun(calls, return_=NEVER),
        assistant=assistant,
        version=record["version"],
        name=record["name"],
        numbers=tuple(record["phone_number_ids"]),
    )


def _begun(calls: list[Call], *, return_: int) -> Line:
    first = calls[0]
    return Line(
        object=f"account {first.account}",
        client=first.client,
        call=_ns(first.began),
        return_=return_,
        kind=first.kind.value,
        assistant=first.subject,
        asked=first.numbers,
    )


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)


async def not_linearizable(history: Sequence[Line], directory: Path) -> list[str]:
    """
    Return the objects whose history cannot have happened one operation after the other; pictures stay in `directory`.

    Raises:
        ProgramMissing: The checker cannot be built.
    """
    program = await asyncio.to_thread(linearizable)
    path = directory / "linearizable.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in history))
    process = await asyncio.create_subprocess_exec(
        str(program), str(path), str(directory), str(SECONDS_EACH), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    found = output.decode().splitlines()
    return found if found or process.returncode == 0 else [f"the checker ended with exit code {process.returncode}"]
