"""How records look on a terminal and in a script: tables for people, one JSON object a line for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

TEXT_CHARACTERS: Final = 60
_ID_TAIL_CHARACTERS: Final = 6
_ID_CHARACTERS: Final = 26  # of a TypeID, behind the underscore


def as_json(record: object) -> str:
    """Return `record` as JSON on one line."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def as_table(records: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return the records' members as aligned columns under their names; empty cells show a hyphen."""
    rows = [[name.replace("_", " ") for name in columns]]
    rows += [[_cell(record.get(name)) for name in columns] for record in records]
    widths = [max(len(row[index]) for row in rows) for index in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def as_facts(record: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the record's members one a line, their values aligned."""
    width = max(len(name) for name in names)
    return "\n".join(f"  {name.replace('_', ' ').ljust(width)}  {_cell(record.get(name))}" for name in names)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return clean(",".join(str(item) for item in value)) or "-"
    return "-" if value is None or value == "" else clean(str(value))


def clean(text: str) -> str:
    """Return `text` without characters that would move or colour anything on a terminal: they are shown escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def cut(text: str, at_most: int = TEXT_CHARACTERS) -> str:
    """Return the first characters of `text` where it is longer, and say so by an ellipsis."""
    return text if len(text) <= at_most else text[: at_most - 1] + "…"


def quoted(text: str, at_most: int | None = TEXT_CHARACTERS) -> str:
    """Return `text` in quotes, cut, on one line."""
    return f'"{clean(text if at_most is None else cut(text, at_most))}"'


def short_id(text: str) -> str:
    """Return an id by its prefix and its last characters; they are what tells ids apart that were made together."""
    prefix, _, suffix = text.rpartition("_")
    if not prefix or len(suffix) != _ID_CHARACTERS:
        return clean(text)
    return clean(f"{prefix}_…{suffix[-_ID_TAIL_CHARACTERS:]}")
