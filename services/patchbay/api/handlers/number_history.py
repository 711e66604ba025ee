"""/api/phone-numbers/{id}/history, and who answered a call to a number at a moment."""

from typing import Final

import msgspec

from patchbay.api import authorization
from patchbay.api.answers import encode
from patchbay.api.errors import NotFound
from patchbay.api.exchange import Exchange
from patchbay.api.moments import Moment, demand_past, demand_since_beginning, parse_moment
from patchbay.api.paging import PARAMETERS, cut, malformed_cursor, parse_page
from patchbay.api.reading.inbound import InboundRoute
from patchbay.api.reading.number_history import OwnedThen, Place
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants import ids
from patchbay.assistants.fields import InvalidValue
from patchbay.assistants.formats import time as check_time

AT: Final = "at"
_place: Final = msgspec.json.Decoder(tuple[str, str, int]).decode


async def list_(exchange: Exchange) -> Answer:
    """GET /api/phone-numbers/{id}/history. An account sees its own part only."""
    (number_id,) = exchange.arguments
    page = parse_page(exchange.query)
    begin = _read_place(page.after) if page.after else Place()
    account_id = exchange.principal.account_id
    await demand_had(exchange, number_id, account_id)
    found = await exchange.backend.number_history.list_of(number_id, account_id, begin, page.limit + 1, page.offset)
    shown, next_cursor = cut(found, page, lambda each: _write_place(each[0]))
    rows = [happening for _, happening in shown]
    body = {"history": rows, "count": len(rows), "limit": page.limit, "next_cursor": next_cursor}
    return Answer(body=encode({"success": True, **body}))


async def find_at(exchange: Exchange, number: str) -> InboundRoute | None:
    """
    Return who answered a call to the number at the moment of the query's `at`; None if nobody had registered it.

    Raises:
        InvalidRequest: That is no moment, or none that the log can tell of.
    """
    moment = parse_moment(exchange.query[AT], AT)
    backend = exchange.backend
    number_id = ids.number_id(backend.log_id, number)
    owned = await backend.number_history.owned_at(number_id, moment)
    streams = (number_id,) if owned is None else (number_id, owned.account_id)
    await demand_past(moment, AT, backend.log_times, *streams)
    if owned is None:
        await demand_since_beginning(moment, AT, backend.log_times)
        return None
    return await _route_at(exchange, number, number_id, owned, moment)


async def _route_at(exchange: Exchange, number: str, number_id: str, owned: OwnedThen, moment: Moment) -> InboundRoute:
    """Return what the view `routing.inbound` had, by the same rules."""
    backend = exchange.backend
    holder = await backend.number_history.holder_at(number_id, owned.account_id, moment)
    if holder is not None and holder.registration != owned.registration:
        holder = None  # it relied on an earlier registration
    state = None
    if holder is not None:
        version = await backend.versions.at(holder.assistant_id, moment)
        state = await backend.versions.read(holder.assistant_id, version)
    answers = state is not None and not state.is_deleted and state.assistant.inbound_enabled
    if owned.status != "active":
        outcome = "suspended"
    elif holder is None:
        outcome = "unassigned"
    else:
        outcome = "routed" if answers else "inbound_disabled"
    return InboundRoute(
        number=number,
        outcome=outcome,
        account_id=owned.account_id,
        assistant_id=None if holder is None else holder.assistant_id,
        fallback=None if outcome == "routed" else owned.fallback,
        record=None if state is None else encode(state.assistant),
    )


async def demand_had(exchange: Exchange, number_id: str, account_id: str | None) -> None:
    """
    Go on only with a number that the account (None: any) has or had.

    Raises:
        NotFound: It never had.
        OtherAccount: Another account has it.
    """
    if not ids.is_id(ids.NUMBER, number_id):
        raise _not_found(number_id)
    if not await exchange.backend.number_history.was_ever_of(number_id, account_id):
        await _refuse_other_accounts(exchange, number_id)
        raise _not_found(number_id)


async def _refuse_other_accounts(exchange: Exchange, number_id: str) -> None:
    """Tell apart a number that another account has now from one that nobody has."""
    record = await exchange.backend.numbers.find(number_id)
    if record is not None:
        exchange.principal.demand_own(record.account_id, "The phone number")


def _not_found(number_id: str) -> NotFound:
    return NotFound(f"There is no phone number {number_id}.")


def _write_place(place: Place) -> str:
    return encode((place.time, place.stream, place.height)).decode()


def _read_place(text: str) -> Place:
    """
    Return where the page begins.

    Raises:
        InvalidRequest: The cursor is of another list.
    """
    try:
        place = Place(*_place(text))
        is_ours = check_time(place.time) == place.time and ids.kind_of(place.stream) in (ids.NUMBER, ids.ACCOUNT)
    except (msgspec.MsgspecError, InvalidValue):
        is_ours = False
    if not is_ours or not 0 < place.height < 2**63:
        raise malformed_cursor()
    return place


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/phone-numbers/{id}/history",
        handler=list_,
        scope=authorization.NUMBERS_READ,
        query=PARAMETERS,
    ),
)
