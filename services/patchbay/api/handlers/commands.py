"""/api/commands: what became of a write."""

from typing import Final

import msgspec

from patchbay.api.answers import effect_of, encode
from patchbay.api.errors import NotFound
from patchbay.api.exchange import Exchange
from patchbay.api.handlers.phone_numbers import RELEASE_PART, body_changed
from patchbay.api.idempotency import derived_command_id
from patchbay.api.routes import Route
from patchbay.api.tokens import CommandToken, MalformedToken
from patchbay.api.wire import Answer
from patchbay.api.writing.outcomes import CommandReference, CommandStatus


async def read(exchange: Exchange) -> Answer:
    """GET /api/commands/{commandId}."""
    (token,) = exchange.arguments
    try:
        command = exchange.backend.tokens.read_command(token)
    except MalformedToken:
        raise NotFound("There is no such command.") from None
    principal = exchange.principal
    if not principal.is_operator and command.account_id != principal.account_id:
        raise NotFound("There is no such command.")
    status = await exchange.backend.writer.look_up(command.reference)
    if command.releases is not None and status.status != "pending":
        status = await _status_of_release(exchange, command, command.releases)
    written = status.written
    result = None if written is None else msgspec.Raw(await body_changed(exchange, written) or effect_of(written).body)
    body = {"id": token, "status": status.status, "waiting_for": status.waiting_for, "result": result}
    return Answer(body=encode({"success": True, "command": body}))


async def _status_of_release(exchange: Exchange, command: CommandToken, number_id: str) -> CommandStatus:
    """
    Tell a DELETE that had only begun, by its second half.

    The first half is settled, and without the second the number is not released: so far it never took effect.
    """
    second_id = derived_command_id(command.reference.command_id, RELEASE_PART)
    height = await exchange.backend.commands.height_of(number_id, second_id)
    if height is None:
        return CommandStatus(status="void")
    second = CommandReference(stream=number_id, height=height, digest=command.reference.digest, command_id=second_id)
    return await exchange.backend.writer.look_up(second)


ROUTES: Final = (Route(method="GET", path="/api/commands/{commandId}", handler=read),)
