"""How a plan looks: like a diff for people, one JSON object a line for programs."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from patchbay.cli.files.fields import NAME, Value
from patchbay.cli.files.planning import Change, Plan
from patchbay.cli.showing import clean, quoted
from patchbay.client import Version

_CONTEXT_LINES: Final = 1
_LONG_CHARACTERS: Final = 80
_CONTEXT_WORDS: Final = 4
_WORD: Final = re.compile(r"\s+|[^\s]+")
_RED, _GREEN, _DIM, _END = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


class Style:
    """Colours, where they are wanted."""

    def __init__(self, *, has_colour: bool) -> None:
        self._has_colour = has_colour

    def taken(self, text: str) -> str:
        """Return `text` as what goes."""
        return self._in(_RED, text)

    def given(self, text: str) -> str:
        """Return `text` as what comes."""
        return self._in(_GREEN, text)

    def dim(self, text: str) -> str:
        """Return `text` as what stays."""
        return self._in(_DIM, text)

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_END}" if self._has_colour else text


def plan_lines(plan: Plan, style: Style, *, prunes: bool) -> Iterator[str]:
    """Yield the lines that show what is to be done."""
    for create in plan.creates:
        yield style.given(f"+ {create.file}  a new assistant, {quoted(str(create.fields[NAME]))}")
        yield from (f"    {field}: {_short(value)}" for field, value in create.fields.items() if field != NAME)
    for update in plan.updates:
        yield f"~ {update.file}  {update.id}  version {update.version}"
        for change in update.changes:
            yield from change_lines(change, style)
    for delete in plan.deletes:
        if prunes:
            yield style.taken(f"- {delete.file}  {delete.id}  deletes {quoted(delete.name)}")
        else:
            yield f"  {delete.file} is gone, and {quoted(delete.name)} stays: --prune deletes it ({delete.id})"


def summary(plan: Plan, *, prunes: bool) -> str:
    """Return how much is to be done, in one line."""
    deletes = len(plan.deletes) if prunes else 0
    counts = f"{len(plan.creates)} to create, {len(plan.updates)} to update, {deletes} to delete"
    unknown = f"; {plan.unknown} assistants of the account have no file (`patchbay pull` writes them)"
    nothing = not (plan.creates or plan.updates or deletes or plan.refusals)
    return ("Nothing to do" if nothing else counts) + (unknown if plan.unknown else "") + "."


def plan_records(plan: Plan, *, prunes: bool) -> Iterator[dict[str, Any]]:
    """Yield the same for programs."""
    for create in plan.creates:
        yield {"file": create.file, "action": "create", "fields": dict(create.fields)}
    for update in plan.updates:
        changes = [{"field": c.field, "from": c.before, "to": c.after} for c in update.changes]
        yield {
            "file": update.file,
            "action": "update",
            "assistant_id": update.id,
            "version": update.version,
            "changes": changes,
        }
    for delete in plan.deletes:
        action = "delete" if prunes else "keep"
        yield {"file": delete.file, "action": action, "assistant_id": delete.id, "version": delete.version}


def moves_text(moves: Sequence[Version], key_names: dict[str, str]) -> str:
    """Return who has moved an assistant, when, why, and what of it; the newest first."""
    return "; ".join(_move_text(move, key_names) for move in moves)


def _move_text(move: Version, key_names: dict[str, str]) -> str:
    who = move.actor or "nobody knows who"
    named = f" ({quoted(key_names[who])})" if who in key_names else ""
    what = ", ".join(move.changed_fields) or move.type
    why = f", {quoted(move.reason)}" if move.reason else ""
    return f"version {move.version} by {who}{named} at {move.time:%Y-%m-%d %H:%M:%S}Z: {what}{why}"


def change_lines(change: Change, style: Style) -> Iterator[str]:
    """Yield the lines that show one field's change: lines of long texts, words of long lines."""
    before, after = change.before, change.after
    texts = [value for value in (before, after) if isinstance(value, str)]
    if len(texts) < 2 or all(len(t) <= _LONG_CHARACTERS and "\n" not in t for t in texts):  # noqa: PLR2004 - both of them
        yield f"    {change.field}: {style.taken(_short(before))} → {style.given(_short(after))}"
        return
    yield f"    {change.field}:"
    yield from (f"      {line}" for line in _line_diff(texts[0].split("\n"), texts[1].split("\n"), style))


def _line_diff(before: list[str], after: list[str], style: Style) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(_CONTEXT_LINES)):
        if number:
            yield style.dim("…")
        for tag, b0, b1, a0, a1 in group:
            if tag == "equal":
                yield from (style.dim(f"  {clean(line)}") for line in before[b0:b1])
            elif tag == "replace" and b1 - b0 == a1 - a0:
                yield from (_word_diff(b, a, style) for b, a in zip(before[b0:b1], after[a0:a1], strict=True))
            else:
                yield from (style.taken(f"- {clean(line)}") for line in before[b0:b1])
                yield from (style.given(f"+ {clean(line)}") for line in after[a0:a1])


def _word_diff(before: str, after: str, style: Style) -> str:
    """Return one line in which words go and come: `[-gone-]{+come+}`, as `git diff --word-diff` has it."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    pieces: list[str] = []
    for tag, b0, b1, a0, a1 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(_context(old[b0:b1], is_first=b0 == 0, is_last=b1 == len(old)))
            continue
        if b1 > b0:
            pieces.append(style.taken(f"[-{clean(''.join(old[b0:b1]))}-]"))
        if a1 > a0:
            pieces.append(style.given(f"{{+{clean(''.join(new[a0:a1]))}+}}"))
    return "~ " + "".join(pieces)


def _context(words: list[str], *, is_first: bool, is_last: bool) -> str:
    """Return words that stay; only those beside a change, of many."""
    beside = 2 * _CONTEXT_WORDS  # blanks are words, too
    if len(words) <= 2 * beside:
        return clean("".join(words))
    begin = "" if is_first else "".join(words[:beside])
    end = "" if is_last else "".join(words[-beside:])
    return clean(f"{begin}…{end}")


def _short(value: Value) -> str:
    if isinstance(value, str):
        return quoted(value)
    return "null" if value is None else str(value).lower()
