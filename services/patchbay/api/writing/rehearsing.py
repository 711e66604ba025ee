"""What a write would lead to: loaded and decided like the real one, and nothing is appended."""

import asyncio

import msgspec
import structlog
from msgspec.structs import replace

from patchbay.api.writing.clock import after
from patchbay.api.writing.kinds import decide, evolve, wanted_by
from patchbay.api.writing.outcomes import KeyReused, Quarantined, State, Unavailable, Write, Written
from patchbay.api.writing.snapshot import Loaded, Wanted
from patchbay.api.writing.surroundings import Surroundings
from patchbay.assistants.commands import AssignNumbers
from patchbay.assistants.rejections import Rejection
from patchbay.postgres import DATABASE_FAILURES

_log = structlog.get_logger()


class Rehearsal(msgspec.Struct, frozen=True):
    """What a write would lead to. A repetition of one that took effect changes nothing more."""

    before: State
    written: Written


async def rehearse(write: Write, surroundings: Surroundings, *, deadline: float) -> Rehearsal:
    """
    Return what the write would lead to now: on all that has been answered so far, by any copy.

    Args:
        write: As it would be executed.
        surroundings: Of the streams of this copy.
        deadline: Loop time by which there is an answer, whatever hangs.

    Raises:
        Rejection: The domain would say no.
        KeyReused: Its idempotency key stands for another request.
        Quarantined: Nothing can be written to the stream.
        Unavailable: It cannot be told at the moment.
    """
    try:
        async with asyncio.timeout_at(deadline):
            loaded = await surroundings.loader.load(_wanted_by(write))
            written = await _replayed(write, loaded, surroundings, routed=False)
            if written is not None:
                return Rehearsal(written.state, written)
    except DATABASE_FAILURES as error:  # the deadline among them
        _log.warning("rehearsal_not_loaded", stream=write.stream, reason=str(error) or type(error).__name__)
        raise Unavailable("the database did not answer in time; nothing took effect") from None
    if loaded.head.stopped_by is not None or loaded.quarantined_in:
        raise Quarantined("nothing can be written to this stream until an operator has looked at it")
    return _decided(write, loaded, surroundings)


async def recall(write: Write, surroundings: Surroundings, *, deadline: float) -> Written | None:
    """
    Return what a command that took effect before has led to; None if it has not taken effect.

    Args:
        write: The command.
        surroundings: Of the streams of this copy.
        deadline: Loop time by which there is an answer, whatever hangs.

    Raises:
        KeyReused: Its idempotency key stands for another request.
        Unavailable: It cannot be told at the moment.
    """
    try:
        async with asyncio.timeout_at(deadline):
            loaded = await surroundings.loader.load(_wanted_by(write))
            return await _replayed(write, loaded, surroundings, routed=write.changes_routing)
    except DATABASE_FAILURES as error:  # the deadline among them
        _log.warning("command_not_recalled", stream=write.stream, reason=str(error) or type(error).__name__)
        raise Unavailable("whether this took effect before cannot be told at the moment; nothing was sent") from None


async def _replayed(write: Write, loaded: Loaded, surroundings: Surroundings, *, routed: bool) -> Written | None:
    known = loaded.commands.get(write.command_id)
    if known is None:
        return None
    if known.request_digest != write.request_digest:
        raise KeyReused("this Idempotency-Key stands for another request")
    return await surroundings.replayer.replay(write.stream, known.height, routed=routed)


def _wanted_by(write: Write) -> Wanted:
    wanted = wanted_by(write.stream, [write])
    if isinstance(write.command, AssignNumbers):  # to show from whom numbers are taken
        return replace(wanted, holders_of=frozenset(write.command.number_ids))
    return wanted


def _decided(write: Write, loaded: Loaded, surroundings: Surroundings) -> Rehearsal:
    state, head = loaded.state, loaded.head
    try:
        event = decide(write.command, state, surroundings.catalogue)
        if event is None:
            return Rehearsal(
                state, Written(event=None, state=state, height=head.height, position=loaded.position, time="")
            )
        time = after(head.time)
        changed = evolve(state, event, height=head.height + 1, time=time)
    except Rejection:
        raise
    except Exception:  # noqa: BLE001 - one command ends here, as a real one does
        _log.exception("rehearsal_not_decided", stream=write.stream)
        raise Unavailable("this command could not be decided; nothing took effect") from None
    return Rehearsal(
        state, Written(event=event, state=changed, height=head.height + 1, position=loaded.position, time=time)
    )
