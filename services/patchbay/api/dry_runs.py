"""`?dry_run=true`: what a write would change, told in the shape of its answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from patchbay.api.errors import InvalidRequest
from patchbay.api.writing.outcomes import State
from patchbay.api.writing.rehearsing import Rehearsal
from patchbay.assistants.errors import Issue
from patchbay.assistants.events import AssistantCreated, KeyIssued
from patchbay.assistants.states import Account, Assistant, Key, Number, Operators

DRY_RUN: Final = "dry_run"  # a parameter of every write
_GIVEN_BY_EVENTS: Final = frozenset({"id", "account_id", "version", "registration", "hint", "created_at", "updated_at"})
_OF_NUMBERS: Final = frozenset({"id", "registration", "created_at", "updated_at"})

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field that would be another. What it is of is named where it is not what the answer shows."""

    field: str
    before: object = msgspec.field(name="from")
    after: object = msgspec.field(name="to")
    assistant_id: str | msgspec.UnsetType = msgspec.UNSET
    key_id: str | msgspec.UnsetType = msgspec.UNSET


def is_dry_run(query: Mapping[str, str]) -> bool:
    """
    True if the query asks for a dry run.

    Raises:
        InvalidRequest: It asks for something else.
    """
    wanted = query.get(DRY_RUN, "false")
    if wanted not in ("true", "false"):
        raise InvalidRequest([Issue(path=DRY_RUN, code="malformed", message="must be `true` or `false`")])
    return wanted == "true"


def dry_body(body: bytes, rehearsals: Sequence[Rehearsal]) -> bytes:
    """
    Return what a dry run answers.

    Args:
        body: What the write would have answered.
        rehearsals: Of its commands, in order; the last one led to the answer.
    """
    answer = _decode(body)
    answer.pop("message", None)  # it says that something was done
    last = rehearsals[-1].written
    minted = None
    if isinstance(last.event, AssistantCreated):
        minted = last.event.assistant_id
    elif isinstance(last.event, KeyIssued):
        minted = last.event.key_id
    for member, value in answer.items():
        if isinstance(value, dict) and not last.replayed:
            answer[member] = _without_what_is_not_so(value, minted, last.time)
    changes = [change for rehearsal in rehearsals for change in _changes(rehearsal, _shown(answer, minted))]
    return _encode({"success": True, "dry_run": True, "changes": changes} | answer)


def _without_what_is_not_so(record: dict[str, Any], minted: str | None, now: str) -> dict[str, Any]:
    """Return a record without what only the real write gives: an id, a secret, the time."""
    masked = {field: None if value == now and now else value for field, value in record.items()}
    masked.pop("secret", None)
    if minted is not None and masked.get("id") == minted:
        masked["id"] = None
        masked |= {field: None for field in ("hint",) if field in masked}
    return masked


def _shown(answer: Mapping[str, Any], minted: str | None) -> frozenset[str]:
    """Return the ids of what the answer shows."""
    records = [value.get("id") for value in answer.values() if isinstance(value, dict)]
    return frozenset(one for one in (*records, answer.get("id"), minted) if isinstance(one, str))


def _changes(rehearsal: Rehearsal, shown: frozenset[str]) -> Iterator[Change]:
    before, after = rehearsal.before, rehearsal.written.state
    if before is after or rehearsal.written.replayed:
        return
    match before, after:
        case Number(), Number():
            yield from _differing(before, after, _OF_NUMBERS)
        case Account(), Account():
            yield from _differing(before, after, frozenset(Account.__struct_fields__) - {"slug", "name"})
            yield from _of_assistants(before.assistants, after.assistants, shown)
            yield from _of_keys(before.keys, after.keys, shown)
        case Operators(), Operators():
            yield from _of_keys(before.keys, after.keys, shown)


def _of_assistants(
    before: Mapping[str, Assistant | None], after: Mapping[str, Assistant | None], shown: frozenset[str]
) -> Iterator[Change]:
    for one in sorted(before.keys() | after.keys(), key=lambda each: (each not in shown, each)):
        whose = msgspec.UNSET if one in shown else one
        yield from _differing(before.get(one), after.get(one), _GIVEN_BY_EVENTS, assistant_id=whose)


def _of_keys(
    before: Mapping[str, Key | None], after: Mapping[str, Key | None], shown: frozenset[str]
) -> Iterator[Change]:
    for one in sorted(before.keys() | after.keys(), key=lambda each: (each not in shown, each)):
        whose = msgspec.UNSET if one in shown else one
        yield from _differing(before.get(one), after.get(one), _GIVEN_BY_EVENTS, key_id=whose)


def _differing(
    before: State | Assistant | Key | None,
    after: State | Assistant | Key | None,
    passed_over: Iterable[str],
    *,
    assistant_id: str | msgspec.UnsetType = msgspec.UNSET,
    key_id: str | msgspec.UnsetType = msgspec.UNSET,
) -> Iterator[Change]:
    one = after if before is None else before
    if before is after or one is None:
        return
    for field in one.__struct_fields__:
        old, new = getattr(before, field, None), getattr(after, field, None)
        if field not in passed_over and old != new:
            yield Change(field=field, before=old, after=new, assistant_id=assistant_id, key_id=key_id)
