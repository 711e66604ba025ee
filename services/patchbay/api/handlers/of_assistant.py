"""Which assistant a write is about, and how a change of one is carried out."""

import asyncio
from typing import Final

import msgspec

from patchbay.api.commanding import answer_written, carry_out, command_id_of, write_of
from patchbay.api.conditional import field, parse_if_match
from patchbay.api.errors import NotFound
from patchbay.api.exchange import Exchange
from patchbay.api.reading.assistants import AssistantRecord
from patchbay.api.wire import Answer
from patchbay.assistants import ids
from patchbay.assistants.commands import (
    AssignNumbers,
    CloneAssistant,
    DeclareAssistant,
    DeleteAssistant,
    RestoreAssistant,
    SwitchInbound,
    UpdateAssistant,
)
from patchbay.assistants.rejections import AssistantNotFound, NumberTaken, VersionMismatch

Change = (
    UpdateAssistant
    | AssignNumbers
    | RestoreAssistant
    | DeleteAssistant
    | SwitchInbound
    | CloneAssistant
    | DeclareAssistant
)


def assistant_of_path(exchange: Exchange) -> str:
    """
    Return the assistant's id in the path.

    Raises:
        NotFound: It is none.
    """
    assistant_id = exchange.arguments[0]
    if not ids.is_id(ids.ASSISTANT, assistant_id):
        raise NotFound(f"There is no assistant {assistant_id}.")
    return assistant_id


def if_match_of(exchange: Exchange) -> tuple[int, ...] | None:
    """
    Return the versions of the request's If-Match (see `parse_if_match`).

    Raises:
        InvalidRequest: The header is malformed.
    """
    return parse_if_match(field(exchange.request.headers, "If-Match"))


async def find_own(exchange: Exchange) -> AssistantRecord:
    """
    Return the assistant of the path, as the read model shows it now.

    Raises:
        NotFound: There is none.
        OtherAccount: It is another account's.
    """
    (assistant_id,) = exchange.arguments
    record = await exchange.backend.assistants.find(assistant_id)
    if record is None:
        raise NotFound(f"There is no assistant {assistant_id}.")
    exchange.principal.demand_own(record.account_id, "The assistant")
    return record


async def change(
    exchange: Exchange,
    account_id: str,
    command: Change,
    body: dict[str, object] | None,
    *,
    changes_routing: bool,
) -> Answer:
    """
    Carry out a change of an assistant, and return its answer; a rejection is raised with all that is known of it.

    Raises:
        Rejection: The domain says no.
        OtherAccount: The assistant is another account's.
        WriteFailed: There is no definite answer of the domain.
    """
    id_ = command_id_of(exchange, account_id)
    write = write_of(exchange, account_id, command, body, id_=id_, changes_routing=changes_routing)
    try:
        written = await carry_out(exchange, account_id, write)
    except AssistantNotFound as missing:
        await _refuse_other_accounts(exchange, account_id, missing.assistant_id)
        raise
    except VersionMismatch as mismatch:
        known = max(mismatch.if_match, default=0)
        differing = await exchange.backend.versions.differences(mismatch.assistant, known)
        exchange.failure_facts = {"differing_fields": differing}
        raise
    except NumberTaken as taken:
        raise await _with_names(exchange, taken) from None
    return answer_written(exchange, written, command)


async def _refuse_other_accounts(exchange: Exchange, account_id: str, assistant_id: str) -> None:
    """Tell apart an assistant of another account from one that does not exist."""
    record = await exchange.backend.assistants.find(assistant_id)
    if record is not None and record.account_id != account_id:
        exchange.principal.demand_own(record.account_id, "The assistant")


class _Named(msgspec.Struct):
    name: str


_decode_named: Final = msgspec.json.Decoder(_Named).decode


async def _with_names(exchange: Exchange, taken: NumberTaken) -> NumberTaken:
    """Return the rejection with the holders' names: to decide it needs none, but who reads it does."""
    holders = dict.fromkeys(one.assistant_id for one in taken.taken)
    found = await asyncio.gather(*(exchange.backend.assistants.find(holder) for holder in holders))
    names = {
        holder: _decode_named(record.record).name
        for holder, record in zip(holders, found, strict=True)
        if record is not None
    }
    return NumberTaken(
        tuple(msgspec.structs.replace(one, assistant_name=names.get(one.assistant_id)) for one in taken.taken)
    )
