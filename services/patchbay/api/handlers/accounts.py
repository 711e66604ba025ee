"""/api/accounts: for operators."""

from typing import Final

from patchbay.api.answers import encode
from patchbay.api.bodies import read_object
from patchbay.api.commanding import answer_written, carry_out, command_id_of, write_of
from patchbay.api.exchange import Exchange
from patchbay.api.paging import PARAMETERS, cut, parse_page
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants import ids
from patchbay.assistants.commands import OpenAccount
from patchbay.assistants.validation import check_account


async def open_(exchange: Exchange) -> Answer:
    """POST /api/accounts."""
    decoded = await read_object(exchange.request)
    body = check_account(decoded)
    account_id = ids.account_id(exchange.backend.log_id, body.slug)
    command = OpenAccount(account_id=account_id, slug=body.slug, name=body.name)
    write = write_of(exchange, account_id, command, decoded, id_=command_id_of(exchange, account_id))
    return answer_written(exchange, await carry_out(exchange, account_id, write), command)


async def list_(exchange: Exchange) -> Answer:
    """GET /api/accounts."""
    page = parse_page(exchange.query)
    rows, cursor = cut(await exchange.backend.accounts.list_all(page), page, lambda account: account.id)
    return Answer(
        body=encode({"success": True, "accounts": rows, "count": len(rows), "limit": page.limit, "next_cursor": cursor})
    )


_ALL: Final = "/api/accounts"
ROUTES: Final = (
    Route(method="POST", path=_ALL, handler=open_, operators_only=True),
    Route(method="GET", path=_ALL, handler=list_, operators_only=True, query=PARAMETERS),
)
