"""/api/assistants: create, read, change, and give phone numbers to."""

from typing import Final

from patchbay.api import authorization
from patchbay.api.bodies import PATCH_TYPES, read_object
from patchbay.api.commanding import answer_written, carry_out, command_id_of, write_of
from patchbay.api.conditional import etag_of, field, none_match, parse_if_match
from patchbay.api.errors import NotFound
from patchbay.api.exchange import Exchange
from patchbay.api.handlers import versions
from patchbay.api.handlers.of_assistant import assistant_of_path, change
from patchbay.api.minting import mint_id
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants import ids
from patchbay.assistants.commands import AssignNumbers, CreateAssistant, UpdateAssistant
from patchbay.assistants.templates import templates
from patchbay.assistants.validation import changes_of, check_assign, check_create, check_update

_HEAD: Final = b'{"success":true,"assistant":'


async def create(exchange: Exchange) -> Answer:
    """POST /api/assistants."""
    decoded = await read_object(exchange.request)
    principal, backend = exchange.principal, exchange.backend
    principal.demand_slug(decoded)
    body = check_create(decoded)
    account_id = principal.account_of_slug(body.account_slug, backend.log_id)
    assistant_id = mint_id(ids.ASSISTANT)
    command = CreateAssistant(
        assistant_id=assistant_id,
        account_id=account_id,
        name=body.name,
        template_id=body.template_id,
        fields=changes_of(assistant_id, body.fields),
    )
    answers_calls = body.fields.get("inbound_enabled", templates()[body.template_id].defaults.inbound_enabled)
    write = write_of(
        exchange,
        account_id,
        command,
        decoded,
        id_=command_id_of(exchange, account_id),
        changes_routing=answers_calls,
    )
    return answer_written(exchange, await carry_out(exchange, account_id, write), command)


async def read(exchange: Exchange) -> Answer:
    """GET /api/assistants/{assistantId}."""
    if versions.AT in exchange.query:
        return await versions.read_at(exchange)
    (assistant_id,) = exchange.arguments
    record = await exchange.backend.assistants.find(assistant_id)
    if record is None:
        raise NotFound(f"There is no assistant {assistant_id}.")
    exchange.principal.demand_own(record.account_id, "The assistant")
    etag = f"ETag: {etag_of(record.version)}\r\n"
    if not none_match(field(exchange.request.headers, "If-None-Match"), record.version):
        return Answer(status=304, body=b"", fields=etag)
    return Answer(body=_HEAD + record.record + b"}", fields=etag)


async def update(exchange: Exchange) -> Answer:
    """PATCH /api/assistants/{assistantId}."""
    assistant_id = assistant_of_path(exchange)
    decoded = await read_object(exchange.request, PATCH_TYPES)
    exchange.principal.demand_slug(decoded)
    if_match = parse_if_match(field(exchange.request.headers, "If-Match"))
    body = check_update(decoded)
    account_id = exchange.principal.account_of_slug(body.account_slug, exchange.backend.log_id)
    command = UpdateAssistant(
        assistant_id=assistant_id, changes=changes_of(assistant_id, body.fields), if_match=if_match
    )
    routing = "inbound_enabled" in body.fields
    return await change(exchange, account_id, command, decoded, changes_routing=routing)


async def assign(exchange: Exchange) -> Answer:
    """PATCH /api/assistants/{assistantId}/telephony/phone-numbers."""
    assistant_id = assistant_of_path(exchange)
    decoded = await read_object(exchange.request, PATCH_TYPES)
    exchange.principal.demand_slug(decoded)
    if_match = parse_if_match(field(exchange.request.headers, "If-Match"))
    body = check_assign(decoded)
    account_id = exchange.principal.account_of_slug(body.account_slug, exchange.backend.log_id)
    command = AssignNumbers(
        assistant_id=assistant_id, number_ids=body.number_ids, reassign=body.reassign, if_match=if_match
    )
    return await change(exchange, account_id, command, decoded, changes_routing=True)


_ONE: Final = "/api/assistants/{assistantId}"
ROUTES: Final = (
    Route(method="POST", path="/api/assistants", handler=create, scope=authorization.ASSISTANTS_WRITE),
    Route(
        method="GET",
        path=_ONE,
        handler=read,
        scope=authorization.ASSISTANTS_READ,
        query=frozenset({versions.AT}),
    ),
    Route(method="PATCH", path=_ONE, handler=update, scope=authorization.ASSISTANTS_WRITE),
    Route(
        method="PATCH",
        path=_ONE + "/telephony/phone-numbers",
        handler=assign,
        scope=authorization.ASSISTANTS_WRITE,
    ),
)
