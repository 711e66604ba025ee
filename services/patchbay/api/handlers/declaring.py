"""/api/assistants/by-name/{name}: say what an assistant is to be, whether it is there already or not."""

from typing import Final
from urllib.parse import unquote

from patchbay.api import authorization
from patchbay.api.bodies import read_object
from patchbay.api.conditional import field
from patchbay.api.errors import InvalidRequest
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_assistant import change, if_match_of
from patchbay.api.minting import mint_id
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants import ids
from patchbay.assistants.commands import DeclareAssistant
from patchbay.assistants.errors import Issue
from patchbay.assistants.lifecycle_bodies import check_declare
from patchbay.assistants.templates import DEFAULT_TEMPLATE, templates
from patchbay.assistants.validation import changes_of


async def declare(exchange: Exchange) -> Answer:
    """
    PUT /api/assistants/by-name/{name}.

    Creates the assistant of this name, or changes only what differs. Whether there is one is decided in the account's
    stream, so declarations that come at once make one assistant.
    """
    decoded = await read_object(exchange.request)
    principal, backend = exchange.principal, exchange.backend
    principal.demand_slug(decoded)
    if_match, is_new = if_match_of(exchange), _is_new(exchange)
    body = check_declare(_name(exchange), decoded)
    account_id = principal.account_of_slug(body.account_slug, backend.log_id)
    assistant_id = mint_id(ids.ASSISTANT)
    command = DeclareAssistant(
        assistant_id=assistant_id,
        account_id=account_id,
        name=body.name,
        template_id=body.template_id,
        fields=changes_of(assistant_id, body.fields),
        if_match=if_match,
        is_new=is_new,
    )
    template = templates()[body.template_id or DEFAULT_TEMPLATE]
    routing = "inbound_enabled" in body.fields or template.defaults.inbound_enabled
    return await change(exchange, account_id, command, decoded, changes_routing=routing)


def _name(exchange: Exchange) -> str:
    try:
        return unquote(exchange.path.rpartition("/")[2], errors="strict")
    except UnicodeDecodeError:
        issue = Issue(path="name", code="invalid_characters", message="is not percent-encoded UTF-8")
        raise InvalidRequest([issue]) from None


def _is_new(exchange: Exchange) -> bool:
    condition = field(exchange.request.headers, "If-None-Match")
    if condition is None:
        return False
    if condition.strip() != "*":
        message = 'a PUT knows only "*": create it, if there is none'
        raise InvalidRequest([Issue(path="If-None-Match", code="malformed", message=message)])
    return True


ROUTES: Final = (
    Route(
        method="PUT",
        path="/api/assistants/by-name/{name}",
        handler=declare,
        scope=authorization.ASSISTANTS_WRITE,
    ),
)
