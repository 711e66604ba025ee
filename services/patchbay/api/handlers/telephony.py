"""/api/assistants/{assistantId}/telephony: its numbers, and whether it answers calls and makes them."""

from typing import Final

from patchbay.api import authorization
from patchbay.api.answers import assignment_body
from patchbay.api.bodies import read_object
from patchbay.api.conditional import etag_of, field, none_match
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.of_assistant import assistant_of_path, change, find_own, if_match_of
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants.commands import SwitchInbound, UpdateAssistant
from patchbay.assistants.events import AssistantUpdated
from patchbay.assistants.lifecycle_bodies import SwitchBody, check_switch


async def read_numbers(exchange: Exchange) -> Answer:
    """GET /api/assistants/{assistantId}/telephony/phone-numbers: what the PATCH there answers."""
    record = await find_own(exchange)
    etag = f"ETag: {etag_of(record.version)}\r\n"
    if not none_match(field(exchange.request.headers, "If-None-Match"), record.version):
        return Answer(status=304, body=b"", fields=etag)
    return Answer(body=assignment_body(record.record), fields=etag)


async def switch_inbound(exchange: Exchange) -> Answer:
    """POST /api/assistants/{assistantId}/telephony/inbound."""
    assistant_id, decoded, body = await _read(exchange)
    command = SwitchInbound(assistant_id=assistant_id, is_enabled=body.is_enabled, if_match=if_match_of(exchange))
    account_id = exchange.principal.account_of_slug(body.account_slug, exchange.backend.log_id)
    return await change(exchange, account_id, command, decoded, changes_routing=True)


async def switch_outbound(exchange: Exchange) -> Answer:
    """POST /api/assistants/{assistantId}/telephony/outbound."""
    assistant_id, decoded, body = await _read(exchange)
    changes = AssistantUpdated(assistant_id=assistant_id, outbound_enabled=body.is_enabled)
    command = UpdateAssistant(assistant_id=assistant_id, changes=changes, if_match=if_match_of(exchange))
    account_id = exchange.principal.account_of_slug(body.account_slug, exchange.backend.log_id)
    return await change(exchange, account_id, command, decoded, changes_routing=False)


async def _read(exchange: Exchange) -> tuple[str, dict[str, object], SwitchBody]:
    assistant_id = assistant_of_path(exchange)
    decoded = await read_object(exchange.request)
    exchange.principal.demand_slug(decoded)
    return assistant_id, decoded, check_switch(decoded)


_ONE: Final = "/api/assistants/{assistantId}/telephony"
ROUTES: Final = (
    Route(method="GET", path=_ONE + "/phone-numbers", handler=read_numbers, scope=authorization.ASSISTANTS_READ),
    Route(method="POST", path=_ONE + "/inbound", handler=switch_inbound, scope=authorization.ASSISTANTS_WRITE),
    Route(method="POST", path=_ONE + "/outbound", handler=switch_outbound, scope=authorization.ASSISTANTS_WRITE),
)
