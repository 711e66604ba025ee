"""An export as a table in a Parquet file: one row a record, for those who ask questions of many at once."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from patchbay.audit import Verification
from patchbay.cli.audit.log_access import vouched
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.errors import BadFile, BadUsage
from patchbay.cli.showing import as_facts, as_json
from patchbay.eventlog import Envelope, Foreign, StoredRecord, Verdict

_GROUP_ROWS: Final = 20_000
_GROUP_BYTES: Final = 32 * 1024 * 1024  # of the events' JSON: what of a group is held in memory
_REPORT_LINES: Final = 1_024
_OF_EVENTS: Final = (
    "stream",
    "height",
    "type",
    "subject",
    "time",
    "actor",
    "reason",
    "command_id",
    "dataschema",
    "digest",
    "predecessor",
    "data",
)


def run(arguments: argparse.Namespace) -> None:
    """
    Write the file, and say what is in it.

    Raises:
        LogUnreadable: The export is damaged; there is no file then.
        BadUsage: pyarrow is not installed.
        BadFile: The file is there already.
    """
    folder, path = Path(arguments.folder), Path(arguments.file)
    if path.exists():
        raise BadFile(f"{path} is there already: name another file, or take it away.")
    rows = vouched(lambda: tabulate(folder, path))
    told = {"file": str(path), "rows": rows, "bytes": path.stat().st_size}
    print(as_json(told) if arguments.json else as_facts(told, list(told)))


def tabulate(folder: Path, path: Path) -> int:
    """
    Write all records of an export, which is verified on the way, into a Parquet file; return how many.

    Raises:
        ExportUnusable: There is no export, or it is not finished.
        Damaged: It is not what was written. There is no file then.
        BadUsage: pyarrow is not installed.
    """
    verification = Verification(folder)
    progress = Progress("writing", sum(part.lines for part in verification.manifest.files))
    scratch = path.with_name(f"{path.name}.new")
    table = _Table(scratch)
    try:

        def take(record: StoredRecord, content: Envelope | Foreign, verdict: Verdict) -> None:
            table.add(record, content, verdict)
            if not verification.lines % _REPORT_LINES:
                progress.reached(verification.lines)

        verification.run(take)
        table.close()
        scratch.replace(path)
    finally:
        table.close()
        scratch.unlink(missing_ok=True)
        progress.end()
    return table.rows


class _Table:
    """Columns in memory, until they are a group of rows in the file."""

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra: only who writes tables has it
            from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - see above
        except ModuleNotFoundError as error:
            raise BadUsage(f"Parquet files need {error.name}: install patchbay[parquet].") from None
        self._arrow = pa
        texts = [(name, pa.string()) for name in _OF_EVENTS]
        kinds = {"height": pa.int64(), "time": pa.timestamp("us", tz="UTC")}
        self._schema = pa.schema(
            [
                ("partition", pa.int32()),
                ("offset", pa.int64()),
                ("appended_at", pa.timestamp("ms", tz="UTC")),
                ("verdict", pa.string()),
                *((name, kinds.get(name, kind)) for name, kind in texts),
            ]
        )
        self._writer = ParquetWriter(path, self._schema, compression="zstd")
        self._columns: list[list[Any]] = [[] for _ in self._schema]
        self._bytes = 0
        self.rows = 0

    def add(self, record: StoredRecord, content: Envelope | Foreign, verdict: Verdict) -> None:
        """Add the row of a record; what makes an event is null where it is none."""
        row: list[Any] = [record.partition, record.offset, record.timestamp, verdict.value]
        row += [None] * len(_OF_EVENTS) if isinstance(content, Foreign) else _event_of(content)
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
        self._bytes += len(record.value or b"")
        self.rows += 1
        if len(self._columns[0]) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        arrays = [
            self._arrow.array(column, type=field.type)
            for column, field in zip(self._columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        for column in self._columns:
            column.clear()
        self._bytes = 0

    def close(self) -> None:
        """Write what is left, and the end of the file; harmless a second time."""
        if self._writer.is_open:
            self._flush()
            self._writer.close()


def _event_of(envelope: Envelope) -> list[Any]:
    values = [getattr(envelope, name) for name in _OF_EVENTS[:-1]]
    values[_TIME] = datetime.fromisoformat(envelope.time)
    try:
        return [*values, envelope.value.decode()]
    except UnicodeDecodeError:
        return [*values, None]


_TIME: Final = _OF_EVENTS.index("time")
