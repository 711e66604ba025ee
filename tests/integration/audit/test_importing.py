"""An export becomes the same log again, on a real Kafka, and the same tables, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import asyncpg
import pytest
from tests.integration.audit.adverse import adverse_log, log_of
from tests.integration.audit.folding import rows_of, tables_of
from tests.integration.audit.ordinary import PARTITIONS, ordinary_log
from tests.unit.audit.exports import compressed, lines_of

from patchbay.audit import Damaged, Manifest, Verification
from patchbay.cli.audit import sharing
from patchbay.cli.audit.exporting import export
from patchbay.cli.audit.importing import import_export
from patchbay.cli.whereabouts import LogAccess
from patchbay.eventlog import (
    Envelope,
    Foreign,
    NotALog,
    StoredRecord,
    TopicMissing,
    Verdict,
    check_topic,
    open_log,
)


@asynccontextmanager
async def databases(database_url: str, count: int) -> AsyncIterator[list[str]]:
    """Yield empty databases."""
    connection = await asyncpg.connect(database_url)
    names = [f"test_{token_hex(6)}" for _ in range(count)]
    try:
        for name in names:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield [database_url.rsplit("/", 1)[0] + f"/{name}" for name in names]
        for name in names:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def exported(kafka: str, topic: str, folder: Path) -> Manifest:
    async with log_of(kafka, topic) as log:
        return await export(log, folder, account=None)


def records_in(folder: Path) -> list[tuple[object, ...]]:
    """Return every record but for its offset, which gaps of the source have moved, in order."""
    found: list[tuple[object, ...]] = []

    def keep(record: StoredRecord, _content: Envelope | Foreign, verdict: Verdict) -> None:
        found.append((record.partition, record.timestamp, record.key, record.value, tuple(record.headers), verdict))

    Verification(folder).run(keep)
    return found


async def test_a_log_of_every_adversity_is_the_same_again_in_as_many_partitions_and_in_others(
    kafka: str, database_url: str, topic: str, tmp_path: Path
) -> None:
    """With races, foreign records, a stopped and a mended stream, and transactions in it."""
    same, fewer = f"{topic}.same", f"{topic}.fewer"
    async with adverse_log(kafka, topic, ends_with_records=True) as identity:
        manifest = await exported(kafka, topic, tmp_path / "source")
    told = [
        await import_export(tmp_path / "source", LogAccess(kafka, same), partitions=None),
        await import_export(tmp_path / "source", LogAccess(kafka, fewer), partitions=PARTITIONS - 1),
    ]
    again = await exported(kafka, same, tmp_path / "again")
    async with databases(database_url, 3) as urls:
        places = zip((topic, same, fewer), urls, strict=True)
        found = await asyncio.gather(*[tables_of(kafka, name, url) for name, url in places])
    # Its accounts have assistants of the same ids, which no API gives out: the read model's rows follow from the order.
    tables = [{name: rows for name, rows in each.items() if not name.startswith("read_model_1")} for each in found]
    tables = [{**rows, "heads": each["read_model_1.heads"]} for rows, each in zip(tables, found, strict=True)]

    assert [each.log for each in told] == [identity.log_id] * 2
    assert again.counts == manifest.counts
    assert records_in(tmp_path / "again") == records_in(tmp_path / "source")
    assert told[0].left_out == 0 < told[1].left_out  # a record in a wrong partition: it might become an event
    assert len(tables[0]) >= 7
    assert tables[0] == tables[1] == tables[2]
    for name in (same, fewer):
        assert await check_topic(kafka, await open_log(kafka, name)) == []


async def test_tables_are_the_same_byte_for_byte(
    kafka: str, database_url: str, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In as many partitions with all positions, in more of them without; also where processes share the work."""
    monkeypatch.setattr(sharing, "WORTH_RECORDS", 0)
    same, more = f"{topic}.same", f"{topic}.more"
    await ordinary_log(kafka, topic)
    await exported(kafka, topic, tmp_path)
    await import_export(tmp_path, LogAccess(kafka, same), partitions=None)
    monkeypatch.undo()
    await import_export(tmp_path, LogAccess(kafka, more), partitions=PARTITIONS + 3)
    async with databases(database_url, 3) as urls:
        placed, again, elsewhere = await asyncio.gather(
            tables_of(kafka, topic, urls[0], with_places=True),
            tables_of(kafka, same, urls[1], with_places=True),
            tables_of(kafka, more, urls[2]),
        )
        unplaced = await rows_of(urls[0])

    assert placed == again
    assert unplaced == elsewhere
    assert all(unplaced[f"read_model_1.{name}"] for name in ("accounts", "assistants", "versions", "assignments"))


async def test_a_damaged_export_is_refused_before_anything_is_written(kafka: str, topic: str, tmp_path: Path) -> None:
    """With the line named."""
    await open_log(kafka, topic, create_with_partitions=2)
    manifest = await exported(kafka, topic, tmp_path)
    path = tmp_path / manifest.files[1].name
    path.write_bytes(compressed([lines_of(path)[0].replace(b"record", b"recorD", 1)]))

    with pytest.raises(Damaged, match="line 1: "):
        await import_export(tmp_path, LogAccess(kafka, f"{topic}.new"), partitions=None)
    with pytest.raises(TopicMissing):
        await open_log(kafka, f"{topic}.new")


async def test_a_topic_with_records_is_left_alone(kafka: str, topic: str, tmp_path: Path) -> None:
    await open_log(kafka, topic, create_with_partitions=2)
    await exported(kafka, topic, tmp_path)

    with pytest.raises(NotALog, match="not empty"):
        await import_export(tmp_path, LogAccess(kafka, topic), partitions=None)
