"""Mending a stream: an operator's word, in the log, that the record which stopped it was forged."""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Final

import msgspec

from patchbay.assistants.codec import encode_event
from patchbay.assistants.events import StreamMended
from patchbay.assistants.ids import source_of
from patchbay.audit import Gap
from patchbay.cli.audit.log_access import OpenedLog, guarded, opened_log
from patchbay.cli.errors import BadUsage, LogUnreadable, Moved, Unsettled
from patchbay.cli.judging import Chains
from patchbay.cli.quieting import quieten_libraries
from patchbay.cli.showing import as_json
from patchbay.cli.whereabouts import LogAccess, Whereabouts
from patchbay.eventlog import AppendError, Envelope, Head, NewEvent, SealedRecord, Verdict, open_appender, seal

_OPERATOR: Final = "operator"  # as the API names whoever has the first operator's key
_APPEND_SECONDS: Final = 10.0
_TICK: Final = timedelta(microseconds=1)


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """The mend, as it lies in the log."""

    stream: str
    height: int
    digest: str
    mends: str


def run(arguments: argparse.Namespace) -> None:
    """Mend the stream, and say where it goes on."""
    access = Whereabouts(arguments.data_dir).log()
    quieten_libraries()
    mended = guarded(
        access, lambda: asyncio.run(mend(access, arguments.stream, forged=arguments.record, reason=arguments.reason))
    )
    if arguments.json:
        print(as_json(msgspec.structs.asdict(mended)))
    else:
        print(f"{mended.stream} is mended at height {mended.height}: every reader goes on behind it.")


async def mend(access: LogAccess, stream: str, *, forged: str, reason: str) -> Mended:
    """
    Append a mend to a stream that `forged` has stopped.

    Args:
        access: The brokers, with the login of one who may append, and the topic.
        stream: Its id.
        forged: The digest of the record that has stopped it: whoever mends has looked at it.
        reason: For those who read the log later.

    Raises:
        BadUsage: It is the id of no stream.
        Moved: The stream is not stopped, or by another record. Nothing was appended.
        Unsettled: It is not known whether the mend was appended; it can be tried again.
        LogUnreadable: Somebody else's came first, and this one counts for nothing.
        LogUnavailable: The brokers do not answer, or refuse.
    """
    try:
        source = source_of(stream)
    except ValueError as error:
        raise BadUsage(f"{str(error).capitalize()}.") from None
    async with opened_log(access) as log:
        head, _ = await _judged(log, stream)
    if head.stopped_by != forged:
        found = "is not stopped" if head.stopped_by is None else f"is stopped by {head.stopped_by}"
        raise Moved(f"{stream} {found}, not by {forged}: nothing was appended. Look again: `patchbay audit verify`.")
    sealed = _sealed(head, stream, source, forged, reason)
    await _append(access, log, sealed)
    async with opened_log(access) as log:
        _, verdicts = await _judged(log, stream)
    if verdicts.get(sealed.digest) is not Verdict.ACCEPTED:
        raise LogUnreadable(f"Another event has come first: see `patchbay log tail --stream {stream}`.")
    return Mended(stream=stream, height=sealed.height, digest=sealed.digest, mends=forged)


async def _judged(log: OpenedLog, stream: str) -> tuple[Head, dict[str, Verdict]]:
    """Return the stream's head, and the verdict on each mend of it."""
    chains, key, verdicts = Chains(log.identity), stream.encode(), dict[str, Verdict]()
    partition = log.identity.partition_of(stream)
    async for batch in log.read(partition, 0, log.ends[partition], reached=lambda _: None):
        for record in () if isinstance(batch, Gap) else batch:
            if record.key != key:
                continue
            judged = chains.judge(record)
            if isinstance(judged.content, Envelope) and judged.content.mends is not None:
                verdicts[judged.content.digest] = judged.verdict
    return chains.head_of(stream), verdicts


def _sealed(head: Head, stream: str, source: str, forged: str, reason: str) -> SealedRecord:
    type_name, dataschema, affects, data = encode_event(StreamMended(stream=stream, reason=reason))
    event = NewEvent(
        type=type_name,
        source=source,
        subject=stream,
        data=data,
        dataschema=dataschema,
        actor=_OPERATOR,
        affects=affects,
        mends=forged,
    )
    return seal(event, stream=stream, parent=head, base=head, time=_after(head.time), event_id=token_hex(16))


def _after(head_time: str) -> str:
    """Return now, or a microsecond after the head's time if that is later."""
    now = datetime.now(UTC)
    time = max(now, datetime.fromisoformat(head_time) + _TICK) if head_time else now
    return time.isoformat(timespec="microseconds")[:26] + "Z"


async def _append(access: LogAccess, log: OpenedLog, sealed: SealedRecord) -> None:
    async with open_appender(
        access.bootstrap_servers, log.identity, append_timeout_seconds=_APPEND_SECONDS, brake_seconds=_APPEND_SECONDS
    ) as appender:
        try:
            await appender.append([sealed], session=appender.session)
        except AppendError as error:
            raise Unsettled(
                f"The brokers have not taken the mend, as far as is known ({error}). Try again: if it has landed, the "
                "stream is not stopped any more. It takes a login that may append, the API's."
            ) from None
