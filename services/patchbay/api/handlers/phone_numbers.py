"""/api/phone-numbers: register, list, read, change, release."""

from typing import Final

from patchbay.api import authorization
from patchbay.api.answers import encode, number_body, number_record
from patchbay.api.bodies import PATCH_TYPES, read_object
from patchbay.api.commanding import answer_written, carry_out, command_id_of, write_of
from patchbay.api.errors import NotFound, OperatorsOnly, TooManyWrites, Unfinished
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query, demand_opened
from patchbay.api.idempotency import derived_command_id
from patchbay.api.paging import PARAMETERS, cut, parse_page
from patchbay.api.reading.numbers import NumberRecord
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.api.writing.outcomes import (
    CommandReference,
    Contended,
    Pending,
    Position,
    Quarantined,
    Unavailable,
    Written,
)
from patchbay.assistants import ids
from patchbay.assistants.commands import RegisterNumber, ReleaseNumber, UnassignNumber, UpdateNumber
from patchbay.assistants.events import NumberUpdated
from patchbay.assistants.states import Number
from patchbay.assistants.validation import check_number, check_register
from patchbay.postgres import DATABASE_FAILURES

RELEASE_PART: Final = "release"  # tells the second command of a DELETE from its first


async def register(exchange: Exchange) -> Answer:
    """POST /api/phone-numbers."""
    decoded = await read_object(exchange.request)
    principal, backend = exchange.principal, exchange.backend
    principal.demand_slug(decoded)
    body = check_register(decoded)
    account_id = principal.account_of_slug(body.account_slug, backend.log_id)
    await demand_opened(exchange, account_id)
    number_id = ids.number_id(backend.log_id, body.phone_number)
    command = RegisterNumber(number_id=number_id, phone_number=body.phone_number, account_id=account_id)
    id_ = command_id_of(exchange, account_id)
    write = write_of(exchange, number_id, command, decoded, id_=id_, changes_routing=True)
    written = await carry_out(exchange, account_id, write)
    return answer_written(exchange, written, command, body=await _body_unchanged(exchange, written, number_id))


async def _body_unchanged(exchange: Exchange, written: Written, number_id: str) -> bytes | None:
    """Return the number as it is, if the account has it already: only the account's stream knows its assistant."""
    record = None if written.event is not None else await exchange.backend.numbers.find(number_id)
    return None if record is None else number_body(record)


async def list_(exchange: Exchange) -> Answer:
    """GET /api/phone-numbers."""
    page = parse_page(exchange.query)
    account_id = await account_of_query(exchange)
    rows, cursor = cut(await exchange.backend.numbers.list_of(account_id, page), page, lambda number: number.id)
    return Answer(
        body=encode(
            {"success": True, "phone_numbers": rows, "count": len(rows), "limit": page.limit, "next_cursor": cursor}
        )
    )


async def read(exchange: Exchange) -> Answer:
    """GET /api/phone-numbers/{id}."""
    record = await _find(exchange)
    if record is None:
        raise _not_found(exchange)
    return Answer(body=number_body(record))


async def update(exchange: Exchange) -> Answer:
    """PATCH /api/phone-numbers/{id}: the fallback; and, for operators, the status."""
    decoded = await read_object(exchange.request, PATCH_TYPES)
    principal, backend = exchange.principal, exchange.backend
    principal.demand_slug(decoded)
    await _find(exchange)
    body = check_number(decoded)
    if "status" in body.fields and not principal.is_operator:
        raise OperatorsOnly
    account_id = principal.account_of_slug(body.account_slug, backend.log_id)
    number_id = exchange.arguments[0]
    changes = NumberUpdated(number_id=number_id, **body.fields)
    command = UpdateNumber(number_id=number_id, account_id=account_id, changes=changes)
    id_ = command_id_of(exchange, account_id)
    write = write_of(exchange, number_id, command, decoded, id_=id_, changes_routing=True)
    written = await carry_out(exchange, account_id, write)
    try:
        body_now = await body_changed(exchange, written)
    except DATABASE_FAILURES:
        if written.event is None or exchange.is_dry_run:
            raise
        # It took effect: an answer that says otherwise would be a lie.
        reference = CommandReference(stream=number_id, height=written.height, digest="", command_id=id_)
        raise Pending(reference, ("read_model",)) from None
    return answer_written(exchange, written, command, body=body_now)


async def body_changed(exchange: Exchange, written: Written) -> bytes | None:
    """Return the number as this change left it, with the assistant that has it now; None of another write."""
    if not isinstance(written.event, NumberUpdated | None) or not isinstance(written.state, Number):
        return None
    now = await exchange.backend.numbers.find(written.state.id)
    is_same_owner = now is not None and now.account_id == written.state.account_id
    return number_body(number_record(written.state, now.assistant_id if now is not None and is_same_owner else None))


async def release(exchange: Exchange) -> Answer:
    """
    DELETE /api/phone-numbers/{id}.

    First the account's stream lets go, then the number's. A crash between is harmless; a repetition goes on. One whose
    second half has taken effect touches the account no more: the number may have been registered and assigned again.
    """
    record = await _find(exchange)
    number_id = exchange.arguments[0]
    account_id = exchange.principal.account_id or (record.account_id if record else None)
    if account_id is None:
        raise _not_found(exchange)
    first_id = command_id_of(exchange, account_id)
    second_id = derived_command_id(first_id, RELEASE_PART)
    positions: tuple[Position, ...] = ()
    is_begun = False
    if await exchange.backend.commands.height_of(number_id, second_id) is None:
        if record is None:
            raise _not_found(exchange)
        first = UnassignNumber(number_id=number_id)
        exchange.releases = number_id
        write = write_of(exchange, account_id, first, None, id_=first_id, changes_routing=True)
        taken_off = await carry_out(exchange, account_id, write)
        positions = (taken_off.position,)
        is_begun = taken_off.event is not None and not exchange.is_dry_run
        exchange.releases = None
    second = ReleaseNumber(number_id=number_id, account_id=account_id)
    write = write_of(exchange, number_id, second, None, id_=second_id, changes_routing=True)
    try:
        written = await carry_out(exchange, account_id, write)
    except (Unavailable, Contended, Quarantined, TooManyWrites) as failure:
        if is_begun:
            raise Unfinished(number_id, str(failure)) from None
        raise
    return answer_written(exchange, written, second, earlier=positions)


async def _find(exchange: Exchange) -> NumberRecord | None:
    """Return the number of the path, if anybody has it."""
    (number_id,) = exchange.arguments
    if not ids.is_id(ids.NUMBER, number_id):
        raise _not_found(exchange)
    record = await exchange.backend.numbers.find(number_id)
    if record is not None:
        exchange.principal.demand_own(record.account_id, "The phone number")
    return record


def _not_found(exchange: Exchange) -> NotFound:
    return NotFound(f"There is no phone number {exchange.arguments[0]}.")


_ALL: Final = "/api/phone-numbers"
ROUTES: Final = (
    Route(method="POST", path=_ALL, handler=register, scope=authorization.NUMBERS_WRITE),
    Route(
        method="GET",
        path=_ALL,
        handler=list_,
        scope=authorization.NUMBERS_READ,
        query=PARAMETERS | {ACCOUNT_SLUG},
    ),
    Route(method="GET", path=_ALL + "/{id}", handler=read, scope=authorization.NUMBERS_READ),
    Route(method="PATCH", path=_ALL + "/{id}", handler=update, scope=authorization.NUMBERS_WRITE),
    Route(method="DELETE", path=_ALL + "/{id}", handler=release, scope=authorization.NUMBERS_WRITE),
)
