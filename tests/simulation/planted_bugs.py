"""Bugs that were never in the product, or are no more: each is planted at one place, and must be found."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import msgspec

from patchbay.api import answers, commanding
from patchbay.api.handlers import assistants, phone_numbers
from patchbay.api.live import LiveGenerations
from patchbay.api.writing import deciding, snapshot
from patchbay.api.writing.answering import Answering
from patchbay.api.writing.attempts import Answer, Attempt, PendingRecord
from patchbay.api.writing.outcomes import Position, Write
from patchbay.api.writing.settling import Settler
from patchbay.api.writing.standings import Accepted, Standing
from patchbay.api.writing.stream import StreamWriter
from patchbay.assistants import codec
from patchbay.eventlog import Envelope, Head, NotSent, Verdict, judge
from patchbay.projection import heads, judging
from patchbay.projection.committing import Committer

Plant = Callable[[], Any]
BUGS: dict[str, Plant] = {}


def _bug(plant: Callable[[], Iterator[None]]) -> Callable[[], Iterator[None]]:
    BUGS[plant.__name__.strip("_")] = contextmanager(plant)
    return plant


@_bug
def _a_checkpoint_committed_before_the_rows() -> Iterator[None]:
    async def store(self: Committer, facts: tuple[Any, ...], changes: Sequence[Any]) -> None:
        await self._move(facts, ())
        partitions, _, after, *rest = facts
        await self._move((partitions, after, after, *rest), changes)

    with patch.object(Committer, "_store", store):
        yield


@_bug
def _void_tested_before_accepted() -> Iterator[None]:
    def judge_voids_first(envelope: Envelope, head: Head) -> Verdict:
        if envelope.base.height < head.height:  # its writer did not know the head: it must have lost
            return Verdict.VOID
        return judge(envelope, head)

    with patch.object(judging, "judge", judge_voids_first):
        yield


@_bug
def _an_answer_given_on_a_pending_state() -> Iterator[None]:
    conclude = Answering.conclude

    def conclude_at_once(self: Answering, attempt: Attempt, answer: Answer, height: int, _under: object) -> None:
        conclude(self, attempt, answer, height, None)

    with patch.object(Answering, "conclude", conclude_at_once):
        yield


@_bug
def _a_4xx_before_the_own_earlier_records_settled() -> Iterator[None]:
    conclude = Answering.conclude

    def conclude_early(
        self: Answering, attempt: Attempt, answer: Answer, _height: int, under: PendingRecord | None
    ) -> None:
        conclude(self, attempt, answer, 2**62, under)

    with patch.object(Answering, "conclude", conclude_early):
        yield


@_bug
def _a_base_taken_from_what_is_not_accepted() -> Iterator[None]:
    sealed = deciding._sealed

    def seal_on_parent(write: Write, event: Any, parent: Head, _base: object) -> Any:
        return sealed(write, event, parent, parent.as_base())

    with patch.object(deciding, "_sealed", seal_on_parent):
        yield


@_bug
def _a_place_waited_for_instead_of_a_digest() -> Iterator[None]:
    tell = Settler._tell_verdict

    def tell_by_height(self: Settler, record: PendingRecord, stream: Any, standing: Standing) -> None:
        winner = standing.accepted.get(record.sealed.height)
        if winner is not None:
            taken = Accepted(record.sealed.digest, winner.position)
            standing = msgspec.structs.replace(standing, accepted={record.sealed.height: taken})
        tell(self, record, stream, standing)

    with patch.object(Settler, "_tell_verdict", tell_by_height):
        yield


@_bug
def _a_resend_after_a_replaced_producer() -> Iterator[None]:
    appended = StreamWriter._appended

    def appended_again(self: StreamWriter, records: list[PendingRecord], *facts: Any) -> None:
        outcome: asyncio.Future[None] = facts[-1]
        if isinstance(outcome.exception(), NotSent):
            appender = self._with.appender
            appender.append([record.sealed for record in records], session=appender.session)
        appended(self, records, *facts)

    with patch.object(StreamWriter, "_appended", appended_again):
        yield


@_bug
def _a_generation_swap_without_the_pointer_check() -> Iterator[None]:
    with patch.object(LiveGenerations, "moved", lambda *_: False):
        yield


@_bug
def _heads_remembered_beyond_a_tenure() -> Iterator[None]:
    kept: dict[object, dict[str, Head]] = {}
    of, keep = heads.Heads.of, heads.Heads.keep

    async def of_all(self: heads.Heads, connection: Any, streams: Any) -> Mapping[str, Head]:
        known = kept.setdefault((asyncio.get_running_loop(), self._statement), {})
        found = await of(self, connection, streams)
        return {stream: known.get(stream, head) for stream, head in found.items()}

    def keep_all(self: heads.Heads, moved: Mapping[str, Head]) -> None:
        kept.setdefault((asyncio.get_running_loop(), self._statement), {}).update(moved)
        keep(self, moved)

    with patch.object(heads.Heads, "of", of_all), patch.object(heads.Heads, "keep", keep_all):
        yield


@_bug
def _an_acknowledgement_taken_for_a_verdict() -> Iterator[None]:
    appended = StreamWriter._appended

    def answered(self: StreamWriter, records: list[PendingRecord], *facts: Any) -> None:
        outcome: asyncio.Future[None] = facts[-1]
        if outcome.exception() is None:
            for record in records:
                record.attempt.conclude(record.written(Position(0, 1)))
        appended(self, records, *facts)

    with patch.object(StreamWriter, "_appended", answered):
        yield


@_bug
def _an_answer_before_calls_are_routed_by_it() -> Iterator[None]:
    write_of = commanding.write_of

    def write_not_routed(*arguments: Any, **facts: Any) -> Write:
        return write_of(*arguments, **{**facts, "changes_routing": False})

    with (
        patch.object(phone_numbers, "write_of", write_not_routed),
        patch.object(assistants, "write_of", write_not_routed),
    ):
        yield


@_bug
def _a_repetition_that_is_not_recognized() -> Iterator[None]:
    take = {**snapshot.Snapshot._TAKE, "command": snapshot.Snapshot._pass_over}
    with patch.object(snapshot.Snapshot, "_TAKE", take):
        yield


@_bug
def _a_write_denied_because_a_later_read_failed() -> Iterator[None]:
    with patch.object(phone_numbers, "DATABASE_FAILURES", ()):
        yield


@_bug
def _no_answer_to_the_second_of_two_releases() -> Iterator[None]:
    def released(_number_id: str) -> answers.Effect:
        raise answers.CannotTell("no answer is known for an idle ReleaseNumber")

    with patch.object(answers, "_released", released):
        yield


@_bug
def _an_event_without_the_lists_that_it_takes_from() -> Iterator[None]:
    encode = codec.encode_event

    def encode_without(event: Any) -> Any:
        if getattr(event, "taken_from", ()):
            event = msgspec.structs.replace(event, taken_from=())
        return encode(event)

    with patch.object(deciding, "encode_event", encode_without):
        yield
