"""/api/assistants/{assistantId}: copy, delete."""

from typing import Final

from patchbay.api import authorization
from patchbay.api.bodies import read_object
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.handlers.of_assistant import assistant_of_path, change, if_match_of
from patchbay.api.minting import mint_id
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants import ids
from patchbay.assistants.commands import CloneAssistant, DeleteAssistant
from patchbay.assistants.lifecycle_bodies import check_clone


async def delete(exchange: Exchange) -> Answer:
    """DELETE /api/assistants/{assistantId}. The account is the key's; an operator's key must name it."""
    command = DeleteAssistant(assistant_id=assistant_of_path(exchange), if_match=if_match_of(exchange))
    account_id = await account_of_query(exchange)
    return await change(exchange, account_id, command, None, changes_routing=True)


async def clone(exchange: Exchange) -> Answer:
    """POST /api/assistants/{assistantId}/clone: as it is when this is decided, without its numbers."""
    source_id = assistant_of_path(exchange)
    decoded = await read_object(exchange.request)
    exchange.principal.demand_slug(decoded)
    body = check_clone(decoded)
    account_id = exchange.principal.account_of_slug(body.account_slug, exchange.backend.log_id)
    command = CloneAssistant(
        assistant_id=mint_id(ids.ASSISTANT),
        account_id=account_id,
        source_id=source_id,
        name=body.name,
        if_match=if_match_of(exchange),
    )
    # Whether the other one answers calls is not known yet.
    return await change(exchange, account_id, command, decoded, changes_routing=True)


_ONE: Final = "/api/assistants/{assistantId}"
ROUTES: Final = (
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete,
        scope=authorization.ASSISTANTS_WRITE,
        query=frozenset({ACCOUNT_SLUG}),
    ),
    Route(method="POST", path=_ONE + "/clone", handler=clone, scope=authorization.ASSISTANTS_WRITE),
)
