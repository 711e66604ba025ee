"""/api/assistants/{assistantId}: delete."""

from typing import Final

from patchbay.api import authorization
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_account import ACCOUNT_SLUG, account_of_query
from patchbay.api.handlers.of_assistant import assistant_of_path, change, if_match_of
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants.commands import DeleteAssistant


async def delete(exchange: Exchange) -> Answer:
    """DELETE /api/assistants/{assistantId}. The account is the key's; an operator's key must name it."""
    command = DeleteAssistant(assistant_id=assistant_of_path(exchange), if_match=if_match_of(exchange))
    account_id = await account_of_query(exchange)
    return await change(exchange, account_id, command, None, changes_routing=True)


_ONE: Final = "/api/assistants/{assistantId}"
ROUTES: Final = (
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete,
        scope=authorization.ASSISTANTS_WRITE,
        query=frozenset({ACCOUNT_SLUG}),
    ),
)
