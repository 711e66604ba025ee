"""A judged record as a line: for people on a terminal, or as JSON for programs."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from patchbay.cli.describing import Style, describe
from patchbay.cli.judging import Judged
from patchbay.cli.showing import clean
from patchbay.eventlog import Foreign, Record, Verdict

_COLOURS: Final = {Verdict.VOID: "\x1b[2m", Verdict.FOREIGN: "\x1b[2m", Verdict.BROKEN: "\x1b[1;31m"}
_MANIFEST: Final = "manifest"
_PLAIN: Final = "\x1b[0m"


def for_people(judged: Judged, style: Style, *, in_colour: bool) -> str:
    """Return the record as one line: time, stream, height, type, who, verdict, what changed."""
    content, record = judged.content, judged.record
    if isinstance(content, Foreign):
        time, stream, height, type_, who = _appended_at(record), _key_text(record), "-", "-", "-"
        reason = "what log this is" if content.reason == _MANIFEST else f"{content.reason} {content.detail}".strip()
        what = f"{reason} (partition {record.partition}, offset {record.offset})"
    else:
        time, stream, height, type_ = content.time, style.id(content.stream), str(content.height), content.type
        who, what = style.id(content.actor or "-"), describe(content, style)
        if content.reason is not None:
            what += f" because {style.text(content.reason)}"
    width = 31 if style.is_full else 12
    line = (
        f"{time[:23].replace('T', ' ')}  {clean(stream):<{width}} {height:>6}  {clean(type_):<16}  "
        f"{clean(who):<{width - 1}}  {judged.verdict.value:<8}  {clean(what)}"
    )
    colour = _COLOURS.get(judged.verdict) if in_colour else None
    return line if colour is None else f"{colour}{line}{_PLAIN}"


def for_programs(judged: Judged) -> bytes:
    """Return the record as one JSON object, with nothing shortened."""
    content, record = judged.content, judged.record
    shown: dict[str, Any] = {
        "verdict": judged.verdict.value,
        "partition": record.partition,
        "offset": record.offset,
        "appended_at": _appended_at(record),
    }
    if isinstance(content, Foreign):
        shown |= {"stream": None, "reason": content.reason, "detail": content.detail, "key": _key_text(record)}
    else:
        shown |= {
            "stream": content.stream,
            "height": content.height,
            "type": content.type,
            "time": content.time,
            "actor": content.actor,
            "reason": content.reason,
            "subject": content.subject,
            "id": content.id,
            "digest": content.digest,
            "predecessor": content.predecessor,
            "base": {"height": content.base.height, "digest": content.base.digest},
            "affects": content.affects,
            "command_id": content.command_id,
            "mends": content.mends,
            **_data(content.value),
        }
    return msgspec.json.encode(shown)


def _data(value: bytes) -> dict[str, Any]:
    try:
        return {"data": msgspec.json.decode(value)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"data_base64": base64.b64encode(value).decode("ascii")}


def _key_text(record: Record) -> str:
    return "-" if record.key is None else record.key.decode("utf-8", "replace")[:40]


def _appended_at(record: Record) -> str:
    moment = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """
    Return whether to colour what is written to `stream`.

    Source: no-color.org.
    """
    return stream.isatty() and not environ.get("NO_COLOR")
