"""
Assistants as YAML, for people: prompts are blocks of lines, and what a program changes leaves the rest as it was.

Only YAML's events are used: nothing is constructed, and there is nothing but one mapping of names to scalars. Aliases,
anchors, tags, nesting and a second document are refused, so a file cannot ask for more memory than it has bytes.
"""

import json
import re
from typing import Final

import msgspec
import yaml

from patchbay.cli.errors import BadFile
from patchbay.cli.files.fields import KINDS, Fields, Value, WrongKind, value_of

MOST_FILE_BYTES: Final = 512 * 1024  # above what an assistant may have, comments included
_BLOCK_CHARACTERS: Final = 80  # a longer text of one line is a block, too
_INDENT: Final = "  "
_PLAIN: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ._/()@+-]*[A-Za-z0-9._/()@+-])?")
_WORDS_OF_YAML: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class Document(msgspec.Struct, frozen=True):
    """A file's fields, and where in its text each of them stands."""

    text: str
    fields: dict[str, Value]
    spans: dict[str, tuple[int, int]]


def read(content: bytes, where: str) -> Document:
    """
    Return what a file says.

    Args:
        content: Of the file.
        where: Its name, for people.

    Raises:
        BadFile: It is no assistant; every fault is named, with its line.
    """
    if len(content) > MOST_FILE_BYTES:
        raise BadFile(f"{where} has {len(content):,} bytes; at most {MOST_FILE_BYTES:,} are allowed.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        return _read(text, where)
    except UnicodeDecodeError:
        raise BadFile(f"{where} is not UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = getattr(error, "problem", None) or "it holds characters that YAML does not know"
        raise BadFile(f"{where}{line}: {problem}.") from None


def _read(text: str, where: str) -> Document:
    document = Document(text, {}, {})
    faults: list[str] = []
    key: yaml.ScalarEvent | None = None
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        is_bare = isinstance(event, yaml.MappingStartEvent | yaml.ScalarEvent) and not (event.anchor or event.tag)
        if isinstance(event, yaml.MappingStartEvent) and depth == 0 and is_bare and not event.flow_style:
            depth = 1
        elif isinstance(event, yaml.ScalarEvent) and depth == 1 and is_bare:
            if key is None:
                key = event
            else:
                _take(document, key, event, faults)
                key = None
        elif isinstance(event, yaml.MappingEndEvent):
            depth = 2
        elif isinstance(event, yaml.NodeEvent) or (isinstance(event, yaml.DocumentStartEvent) and depth):
            line = _line_of(event)
            raise BadFile(f"{where}, line {line}: a file holds `field: value` lines and nothing else (see --help).")
    if depth == 0:
        raise BadFile(f"{where} is empty: an assistant has at least a name.")
    if faults:
        raise BadFile(f"{where}: {'; '.join(faults)}.")
    return document


def _line_of(event: yaml.Event) -> int:
    return 0 if event.start_mark is None else event.start_mark.line + 1


def _take(document: Document, key: yaml.ScalarEvent, value: yaml.ScalarEvent, faults: list[str]) -> None:
    field, line = key.value, _line_of(key)
    if field not in KINDS:
        faults.append(f"line {line}: nobody knows the field {field[:40]!r}")
    elif field in document.fields:
        faults.append(f"line {line}: {field} is given twice")
    else:
        try:
            document.fields[field] = value_of(field, value.value, is_plain=value.style is None)
            if key.start_mark is not None and value.end_mark is not None:  # a parser of text has both
                document.spans[field] = (key.start_mark.index, value.end_mark.index)
        except WrongKind as wrong:
            faults.append(f"line {line}: {wrong}")


def write(fields: Fields) -> str:
    """Return a file with these fields, in their usual order."""
    return "".join(_line(name, fields[name]) + "\n" for name in KINDS if name in fields)


def change(document: Document, changes: Fields) -> str:
    """Return the file with some fields changed or added, and every other byte, comments too, as it was."""
    text = document.text
    for field, (start, end) in sorted(document.spans.items(), key=lambda span: span[1], reverse=True):
        if field in changes:
            old = text[start:end]
            ending = old[len(old.rstrip()) :] or ("\n" if end == len(text) else "")
            text = text[:start] + _line(field, changes[field]) + ending + text[end:]
    added = write({field: value for field, value in changes.items() if field not in document.spans})
    if added and text and not text.endswith("\n"):
        text += "\n"
    text += added
    expected = {**document.fields, **changes}
    # An odd layout (an indented mapping, `? name`) cannot be changed in place.
    return text if _reads_as(text, expected) else write(expected)


def _line(field: str, value: Value) -> str:
    if value is None:
        return f"{field}: null"
    if not isinstance(value, str):
        return f"{field}: {json.dumps(value)}"
    candidates = [_quoted(value)]
    if "\n" in value or len(value) > _BLOCK_CHARACTERS:
        if value.strip() and _UNPRINTABLE.search(value) is None:
            candidates.insert(0, _block(value))
    elif _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        candidates.insert(0, value)
    for candidate in candidates:
        line = f"{field}: {candidate}"
        # What follows a block in its file must not change it.
        if _reads_as(line + "\n", {field: value}):
            return line
    raise BadFile(f"{field} holds characters that YAML cannot hold: change it through the API.")


def _reads_as(text: str, fields: Fields) -> bool:
    try:
        return _read(text, "").fields == fields
    except (BadFile, yaml.YAMLError):
        return False


def _block(text: str) -> str:
    """Return the text as a literal block: `-`, nothing or `+` says how many line ends it has."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    indicator = str(len(_INDENT)) if text[0] in " \n\t" else ""
    lines = [_INDENT + line if line else "" for line in body.split("\n")]
    chomping = ("-", "", "+")[min(ends, 2)]
    return f"|{indicator}{chomping}\n" + "\n".join(lines) + "\n" * max(0, ends - 1)


def _quoted(text: str) -> str:
    escaped = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: _escape(found[0]), escaped)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - the longest that two digits hold
