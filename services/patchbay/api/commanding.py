"""From a validated command to the answer of its write, the same for every resource."""

import re
from collections.abc import Mapping
from time import time

from patchbay.api.answers import effect_of
from patchbay.api.conditional import etag_of
from patchbay.api.dry_runs import dry_body
from patchbay.api.errors import InvalidRequest, NoVersion, TooManyWrites
from patchbay.api.exchange import Exchange
from patchbay.api.idempotency import command_id, parse_idempotency_key, request_digest
from patchbay.api.reasons import reason_of
from patchbay.api.tokens import CommandToken
from patchbay.api.wire import Answer
from patchbay.api.writing.outcomes import Position, Unsettled, Write, Written
from patchbay.assistants.commands import Command
from patchbay.assistants.errors import Issue

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Body = Mapping[str, object] | None


def command_id_of(exchange: Exchange, account_id: str) -> str:
    """
    Return the id of the command that this request is, for its account.

    Raises:
        InvalidRequest: The Idempotency-Key is malformed.
    """
    headers = exchange.request.headers
    if "Idempotency-Key" not in headers:
        return command_id(account_id, None)
    keys = headers.getall("Idempotency-Key")
    if len(keys) > 1:
        raise InvalidRequest([Issue(path="Idempotency-Key", code="malformed", message="is given twice")])
    return command_id(account_id, parse_idempotency_key(keys[0]))


def write_of(
    exchange: Exchange, stream: str, command: Command, body: Body, *, id_: str, changes_routing: bool = False
) -> Write:
    """
    Return the write of this request's command.

    Raises:
        InvalidRequest: The Patchbay-Reason is malformed.
        NoVersion: There is an If-Match, and the command is about nothing that has a version.
    """
    request = exchange.request
    if "If-Match" in request.headers and "if_match" not in command.__struct_fields__:
        raise NoVersion  # a condition that is passed over is worse than none
    traceparent = request.headers.get("traceparent")
    if traceparent is not None and _TRACEPARENT.fullmatch(traceparent) is None:
        traceparent = None  # W3C Trace Context, 3.2: a malformed one is as none
    return Write(
        stream=stream,
        command=command,
        command_id=id_,
        request_digest=request_digest(request.method, exchange.path, body),
        actor=exchange.principal.key_id,
        account=exchange.principal.account_id,
        reason=reason_of(request.headers),
        traceparent=traceparent,
        changes_routing=changes_routing,
        repeats="Idempotency-Key" in request.headers,
    )


async def carry_out(exchange: Exchange, account_id: str | None, write: Write) -> Written:
    """
    Execute the write within the request's deadline; in a dry run, tell what it would have led to.

    Args:
        exchange: The request.
        account_id: Who may ask for the command's status later; None: operators only.
        write: The write.

    Raises:
        TooManyWrites: The account has written as much as it may in an hour.
        Rejection: The domain says no.
        WriteFailed: There is no definite answer of the domain.
    """
    if exchange.is_dry_run:
        rehearsal = await exchange.backend.writer.rehearse(write, deadline=exchange.deadline)
        exchange.rehearsals.append(rehearsal)
        return rehearsal.written
    exchange.command_account = account_id
    writer, limits = exchange.backend.writer, exchange.backend.write_limits
    if not limits.apply_to(exchange.principal):
        return await writer.execute(write, deadline=exchange.deadline)
    try:
        with limits.reserve(exchange.principal, exchange.request.content_length or 0, time()) as reservation:
            written = await writer.execute(write, deadline=exchange.deadline)
            reservation.charge(written)
    except TooManyWrites:
        # 429 says that nothing took effect: a repetition of what did gets its answer whatever the account may write.
        known = await writer.recall(write, deadline=exchange.deadline) if write.repeats else None
        if known is None:
            raise
        return known
    return written


def answer_written(
    exchange: Exchange,
    written: Written,
    command: Command,
    *,
    secret: str | None = None,
    earlier: tuple[Position, ...] = (),
    body: bytes | None = None,
) -> Answer:
    """
    Return the answer to a write that took effect, had nothing to do, or was only rehearsed.

    Args:
        exchange: The request.
        written: What it led to.
        command: What was asked for.
        secret: Of a key that this very request has issued.
        earlier: Positions of further events of the same request.
        body: In place of the effect's own.
    """
    positions = {position.partition: position for position in (*earlier, written.position)}
    fields = f"Patchbay-Position: {exchange.backend.tokens.write_positions(list(positions.values()))}\r\n"
    if body is None:
        effect = effect_of(written, command, secret)
        body = effect.body
        if effect.version is not None and not exchange.is_dry_run:
            fields += f"ETag: {etag_of(effect.version)}\r\n"
    if exchange.is_dry_run:
        body = dry_body(body, exchange.rehearsals)
    return Answer(body=body, fields=fields)


def token_of(exchange: Exchange, error: Unsettled) -> str:
    """Return the name under which the outcome of this request's command can be asked for."""
    token = CommandToken(error.reference, exchange.command_account, exchange.releases)
    return exchange.backend.tokens.write_command(token)
