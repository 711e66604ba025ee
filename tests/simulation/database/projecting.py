"""What the statements do by which a projection is claimed, looked back at and let go."""

from collections.abc import Sequence

from tests.simulation.database.registering import ONE, of_projection, reads
from tests.simulation.database.tables import Access, Row, rows_named

from patchbay.projection import heads, history, ownership, quarantine, refolding
from patchbay.projector.writes import READ_ASSISTANTS

_CHECKPOINT = rows_named("partition", "next_offset", "fingerprint", "owner", "epoch", "leased")


@of_projection(ownership._MAKE, locks=True)
def _make_checkpoints(at: Access, own: str, partition_count: int) -> Sequence[Row]:
    missing = [partition for partition in range(partition_count) if partition not in at.read(own, "checkpoints")]
    for partition in missing:
        line = {
            "partition": partition,
            "next_offset": 0,
            "fingerprint": None,
            "owner": None,
            "epoch": 0,
            "backend_pid": None,
        }
        at.changes.insert(at.schemas[own], "checkpoints", partition, {**line, "lease_until": float("-inf")})
    return ()


@of_projection(ownership._LOCK, locks=True)
def _lock_checkpoints(at: Access, own: str) -> Sequence[Row]:
    lines = sorted(at.read(own, "checkpoints").values(), key=lambda line: line["partition"])
    names = ("partition", "next_offset", "fingerprint", "owner", "epoch")
    return [_CHECKPOINT((*(line[name] for name in names), line["lease_until"] > at.now)) for line in lines]


@of_projection(ownership._TAKE, locks=True)
def _take_checkpoints(at: Access, own: str, owner: str, epoch: int, seconds: float) -> Sequence[Row]:
    table = at.changes.writable(at.schemas[own], "checkpoints")
    for partition, line in list(table.items()):
        lease = {"owner": owner, "epoch": epoch, "lease_until": at.now + seconds}
        table[partition] = {**line, **lease, "backend_pid": at.pid}
    return ()


@of_projection(ownership._RELEASE, locks=True)
def _release_checkpoints(at: Access, own: str, owner: str, epoch: int) -> Sequence[Row]:
    table = at.changes.writable(at.schemas[own], "checkpoints")
    for partition, line in list(table.items()):
        if (line["owner"], line["epoch"]) == (owner, epoch):
            table[partition] = {**line, "lease_until": float("-inf")}
    return ()


_HEAD = rows_named("stream", "height", "digest", "time", "stopped_by")


@of_projection(heads._READ_HEADS)
def _read_heads(at: Access, own: str, streams: Sequence[str]) -> Sequence[Row]:
    found = (at.read(own, "heads").get(stream) for stream in dict.fromkeys(streams))
    return [
        _HEAD(line[name] for name in ("stream", "height", "digest", "time", "stopped_by")) for line in found if line
    ]


@of_projection("SELECT count(*) FROM {schema}.heads WHERE stopped_by IS NOT NULL")
def _count_stopped(at: Access, own: str) -> Sequence[Row]:
    return [ONE((sum(line["stopped_by"] is not None for line in at.read(own, "heads").values()),))]


_SUSPECT = rows_named("stream", "from_height", "reason")


@of_projection(quarantine._READ_QUARANTINE)
def _read_quarantine(at: Access, own: str) -> Sequence[Row]:
    lines = sorted(at.read(own, "quarantine").values(), key=lambda line: line["stream"])
    return [_SUSPECT((line["stream"], line["from_height"], line["reason"])) for line in lines]


@of_projection(refolding._READ_HEIGHT)
def _read_height(at: Access, own: str, stream: str) -> Sequence[Row]:
    line = at.read(own, "heads").get(stream)
    return [] if line is None else [ONE((line["height"],))]


_RECORDED_COLUMNS = ("height", "digest", "type", "subject", "partition", "offset", "headers", "value")
_RECORDED = rows_named(*_RECORDED_COLUMNS)


@reads(history.READ_HISTORY)
def _read_history(at: Access, stream: str, from_height: int, limit: int) -> Sequence[Row]:
    events = [line for line in at.read("history", "events").values() if line["stream"] == stream]
    found = sorted((e for e in events if e["height"] >= from_height), key=lambda e: e["height"])
    return [_RECORDED(e[column] for column in _RECORDED_COLUMNS) for e in found[:limit]]


@of_projection(READ_ASSISTANTS)
def _read_records(at: Access, own: str, assistant_ids: Sequence[str]) -> Sequence[Row]:
    found = (at.read(own, "assistants").get(assistant_id) for assistant_id in dict.fromkeys(assistant_ids))
    return [ONE((line["record"],)) for line in found if line]
