"""
One valid request of every write that the API knows.

A new write route needs its example here: `test_dry_runs.py` and `test_every_write.py` walk the table of routes, and
fail without it.
"""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from tests.contract.api.service import Caller, Reply, Service, fresh_number

from patchbay.api.application import ROUTES

WRITES = [(route.method, route.path) for route in ROUTES if route.is_write]


class Request(msgspec.Struct, frozen=True):
    """A request that would change something, and did not so far."""

    caller: Caller
    method: str
    path: str
    body: Mapping[str, Any] | None = None

    async def send(self, query: str = "", headers: Mapping[str, str] | None = None) -> Reply:
        """Send it."""
        data = None if self.body is None else json.dumps(self.body).encode()
        return await self.caller.send(self.method, self.path + query, data=data, headers=headers)


Example = Callable[[Service], Awaitable[Request]]


async def request_of(service: Service, method: str, path: str) -> Request:
    """Return a new request of this write, with all that it needs set up."""
    example = EXAMPLES.get((method, path))
    assert example is not None, f"{method} {path} has no example in {__name__}: add one"
    return await example(service)


def _assistant(method: str, suffix: str = "", **body: Any) -> Example:
    async def make(service: Service) -> Request:
        assistant = await service.own.create(f"Agent {secrets.token_hex(4)}")
        path = f"/api/assistants/{assistant['id']}{suffix}"
        return Request(service.own, method, path, {"accountSlug": "my-team", **body} if method != "DELETE" else None)

    return make


async def _create(service: Service) -> Request:
    return Request(service.own, "POST", "/api/assistants", {"accountSlug": "my-team", "name": "New"})


async def _declare(service: Service) -> Request:
    path = f"/api/assistants/by-name/Agent%20{secrets.token_hex(6)}"
    return Request(service.own, "PUT", path, {"accountSlug": "my-team", "temperature": 0.1})


async def _restore(service: Service) -> Request:
    assistant = await service.own.create()
    assert (await service.own.patch(assistant["id"], name="Newer")).status == 200
    path = f"/api/assistants/{assistant['id']}/restore"
    return Request(service.own, "POST", path, {"accountSlug": "my-team", "version": 1})


async def _assign(service: Service) -> Request:
    number, one, other = await service.own.register(), await service.own.create(), await service.own.create()
    assert (await service.own.assign(one["id"], number["id"])).status == 200
    path = f"/api/assistants/{other['id']}/telephony/phone-numbers"
    body = {"accountSlug": "my-team", "phoneNumberIds": [number["id"]], "reassign": True}
    return Request(service.own, "PATCH", path, body)


async def _switch_inbound(service: Service) -> Request:
    assistant, number = await service.own.create(), await service.own.register()
    assert (await service.own.assign(assistant["id"], number["id"])).status == 200
    path = f"/api/assistants/{assistant['id']}/telephony/inbound"
    return Request(service.own, "POST", path, {"accountSlug": "my-team", "enabled": True})


async def _register(service: Service) -> Request:
    body = {"accountSlug": "my-team", "phoneNumber": fresh_number()}
    return Request(service.own, "POST", "/api/phone-numbers", body)


async def _change_number(service: Service) -> Request:
    number = await service.own.register()
    body = {"accountSlug": "my-team", "fallback": "sip:desk@example.org"}
    return Request(service.own, "PATCH", f"/api/phone-numbers/{number['id']}", body)


async def _release(service: Service) -> Request:
    number, assistant = await service.own.register(), await service.own.create()
    assert (await service.own.assign(assistant["id"], number["id"])).status == 200
    return Request(service.own, "DELETE", f"/api/phone-numbers/{number['id']}")


async def _open_account(service: Service) -> Request:
    body = {"accountSlug": f"team-{secrets.token_hex(6)}", "name": "A Team"}
    return Request(service.operator, "POST", "/api/accounts", body)


async def _issue_key(service: Service) -> Request:
    return Request(service.own, "POST", "/api/keys", {"accountSlug": "my-team", "name": "k", "requestsPerHour": None})


async def _rotate_key(service: Service) -> Request:
    key = await service.own.issue()
    return Request(service.own, "POST", f"/api/keys/{key['id']}/rotate", {"accountSlug": "my-team"})


async def _revoke_key(service: Service) -> Request:
    key = await service.own.issue()
    return Request(service.own, "DELETE", f"/api/keys/{key['id']}")


EXAMPLES: dict[tuple[str, str], Example] = {
    ("POST", "/api/assistants"): _create,
    ("PATCH", "/api/assistants/{assistantId}"): _assistant("PATCH", temperature=1.5, first_message=None, name="Newer"),
    ("DELETE", "/api/assistants/{assistantId}"): _assistant("DELETE"),
    ("POST", "/api/assistants/{assistantId}/clone"): _assistant("POST", "/clone"),
    ("PUT", "/api/assistants/by-name/{name}"): _declare,
    ("POST", "/api/assistants/{assistantId}/restore"): _restore,
    ("PATCH", "/api/assistants/{assistantId}/telephony/phone-numbers"): _assign,
    ("POST", "/api/assistants/{assistantId}/telephony/inbound"): _switch_inbound,
    ("POST", "/api/assistants/{assistantId}/telephony/outbound"): _assistant(
        "POST", "/telephony/outbound", enabled=True
    ),
    ("POST", "/api/phone-numbers"): _register,
    ("PATCH", "/api/phone-numbers/{id}"): _change_number,
    ("DELETE", "/api/phone-numbers/{id}"): _release,
    ("POST", "/api/accounts"): _open_account,
    ("POST", "/api/keys"): _issue_key,
    ("POST", "/api/keys/{id}/rotate"): _rotate_key,
    ("DELETE", "/api/keys/{id}"): _revoke_key,
}
