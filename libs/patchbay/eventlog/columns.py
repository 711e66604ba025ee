"""
What many records hold, read column by column: the same as one after the other, in a third of the time.

Records with one list of header names are laid side by side, and each check is made of a whole column. Where a column
is not right throughout, halves are looked at, down to single records, which are read on their own. So nothing here says
why a record is foreign, and nothing becomes an event that does not pass every check.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any, Final

from patchbay.eventlog.envelope import (
    CONTROL_BYTES,
    DIGEST_DIGITS,
    DIGITS_TO_ZERO,
    HEIGHT_DIGITS,
    HEX_DIGITS,
    MANIFEST_KEY,
    MAX_HEIGHT,
    TIME_SHAPE,
    Base,
    Envelope,
    Foreign,
    Layout,
    layout_of,
    read_affects,
    read_base,
    read_envelope,
)
from patchbay.eventlog.identity import LogIdentity, place_of_key
from patchbay.eventlog.record import Record, names_and_values

_FEW: Final = 4  # are read faster one by one
_REQUIRED_TEXTS: Final = ("ce_id", "ce_type", "ce_source")
_OPTIONAL_TEXTS: Final = ("ce_subject", "ce_dataschema", "ce_actor", "ce_reason")
_DIGESTS: Final = ("ce_predecessor", "ce_commandid", "ce_requestdigest", "ce_mends", "ce_digest")

_Rows = Sequence[tuple[Record, tuple[Any, ...]]]  # a record, and the values of its headers


def read_envelopes(records: Sequence[Record], identity: LogIdentity) -> list[Envelope | Foreign]:
    """Return of each record what `read_envelope` returns."""
    found: dict[int, Envelope | Foreign] = {}
    alike: dict[tuple[str, ...], list[int]] = {}
    rows: list[tuple[Record, tuple[Any, ...]]] = []
    for index, record in enumerate(records):
        if record.key is None or record.value is None or not record.headers:
            found[index] = read_envelope(record, identity)
            rows.append((record, ()))
            continue
        names, values = names_and_values(record.headers)
        rows.append((record, values))
        alike.setdefault(names, []).append(index)
    for names, indexes in alike.items():
        layout = layout_of(names)
        contents = _read_alike([rows[index] for index in indexes], names, layout, identity)
        found.update(zip(indexes, contents, strict=True))
    return [found[index] for index in range(len(records))]


def _read_alike(
    rows: _Rows, names: tuple[str, ...], layout: Layout, identity: LogIdentity
) -> Iterable[Envelope | Foreign]:
    """Return what records with one list of header names hold."""
    if len(rows) > _FEW and layout.fault is None:
        try:
            return _Columns(rows, names).envelopes(layout, identity)
        except (TypeError, ValueError):  # of at least one of them something is not as in an event
            half = len(rows) // 2
            return [
                *_read_alike(rows[:half], names, layout, identity),
                *_read_alike(rows[half:], names, layout, identity),
            ]
    return [read_envelope(record, identity) for record, _ in rows]


class _Columns:
    """Records side by side. Everything raises ValueError or TypeError where one of them is no event of ours."""

    def __init__(self, rows: _Rows, names: tuple[str, ...]) -> None:
        self.records = [record for record, _ in rows]
        self.keys: list[Any] = [record.key for record in self.records]
        self.values: list[Any] = [record.value for record in self.records]
        self.columns = list(zip(*[values for _, values in rows], strict=True))
        self._by_name: dict[str, Sequence[bytes]] = dict(zip(names, self.columns, strict=True))

    def envelopes(self, layout: Layout, identity: LogIdentity) -> list[Envelope | Foreign]:
        """Return the events."""
        _must(all(record.offset for record in self.records) and MANIFEST_KEY not in self.keys)
        heights = self._heights()
        times = self._times()
        self._check_digests()
        self._check_texts()
        of = self._by_name
        _must(set(of["ce_specversion"]) == {b"1.0"})
        _must([*of["ce_partitionkey"]] == self.keys)
        digests = layout.digester.digest_all(self.keys, self.columns, self.values)
        _must("".join(digests).encode() == b"".join(of["ce_digest"]))
        predecessors = _texts(of["ce_predecessor"])
        return list(
            map(
                Envelope,
                self._streams(identity),
                heights,
                predecessors,
                self._bases(heights, predecessors),
                digests,
                *map(self._optional, _REQUIRED_TEXTS),
                self._optional("ce_subject"),
                times,
                *map(self._optional, ("ce_dataschema", "ce_actor", "ce_commandid", "ce_requestdigest")),
                map(read_affects, of["ce_affects"]) if "ce_affects" in of else repeat(()),
                *map(self._optional, ("ce_mends", "ce_reason")),
                self._traceparents(),
                self.values,
                [record.headers for record in self.records],
            )
        )

    def _optional(self, name: str) -> Iterable[Any]:
        column = self._by_name.get(name)
        return repeat(None) if column is None else _texts(column)

    def _streams(self, identity: LogIdentity) -> list[str]:
        count = identity.partition_count
        places = [place_of_key(key, count) for key in self.keys]
        _must([record.partition for record in self.records] == [partition for _, partition in places])
        return [stream for stream, _ in places]

    def _heights(self) -> list[int]:
        column = self._by_name["ce_sequence"]
        _must(set(map(len, column)) == {HEIGHT_DIGITS} and b"".join(column).isdigit())
        heights = [int(digits) for digits in column]
        _must(min(heights) >= 1 and max(heights) <= MAX_HEIGHT)
        return heights

    def _times(self) -> list[str]:
        column = self._by_name["ce_time"]
        shapes = b"".join(column).translate(DIGITS_TO_ZERO)
        _must(set(map(len, column)) == {len(TIME_SHAPE)} and shapes == TIME_SHAPE * len(column))
        for second in {time[:19] for time in column}:
            datetime.fromisoformat(second.decode())
            _must(second[11:13] <= b"23")
        return _texts(column)

    def _check_digests(self) -> None:
        for name in _DIGESTS:
            if (column := self._by_name.get(name)) is not None:
                _must(set(map(len, column)) == {DIGEST_DIGITS} and not b"".join(column).translate(None, HEX_DIGITS))

    def _check_texts(self) -> None:
        for name in _REQUIRED_TEXTS:
            _must(b"" not in self._by_name[name])
        columns = [self._by_name[name] for name in _REQUIRED_TEXTS + _OPTIONAL_TEXTS if name in self._by_name]
        joined = b"".join([b"".join(column) for column in columns])
        _must(len(joined.translate(None, CONTROL_BYTES)) == len(joined))

    def _bases(self, heights: list[int], predecessors: list[str]) -> list[Base]:
        column = self._by_name.get("ce_base")
        if column is None:
            return [Base(height - 1, digest) for height, digest in zip(heights, predecessors, strict=True)]
        bases = [read_base(content) for content in column]
        _must(all(base.height < height for base, height in zip(bases, heights, strict=True)))
        return bases

    def _traceparents(self) -> Iterable[str | None]:
        column: Sequence[bytes | None] | None = self._by_name.get("traceparent")
        if column is None:
            return repeat(None)
        return [None if value is None else value.decode("ascii", "replace") for value in column]


def _must(is_so: bool) -> None:  # noqa: FBT001 - what is told is the claim itself
    if not is_so:
        raise ValueError("not a column of events")


def _texts(column: Sequence[bytes]) -> list[str]:
    """Return the texts of a column that has no line feeds: each is whole UTF-8 if all are with line feeds between."""
    return b"\n".join(column).decode().split("\n")
