"""Every operation of the API has its call in the client, and docs/client.md names them all."""

import re
from pathlib import Path

from patchbay.api.application import ROUTES
from patchbay.client import Patchbay

DOCUMENT = Path(__file__).parents[3] / "docs" / "client.md"
NOT_FOR_THIS_CLIENT = {
    ("GET", "/api/routing/snapshot"),  # `patchbay.callrouting` reads it
    ("GET", "/api/openapi.json"),
    ("GET", "/api/docs"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}
_ONE = "/api/assistants/{assistantId}"
CALLS = {
    ("POST", "/api/assistants"): "assistants.create",
    ("GET", "/api/assistants"): "assistants.list",
    ("PUT", "/api/assistants/by-name/{name}"): "assistants.declare",
    ("GET", _ONE): "assistants.get",
    ("PATCH", _ONE): "assistants.update",
    ("DELETE", _ONE): "assistants.delete",
    ("POST", _ONE + "/clone"): "assistants.clone",
    ("GET", _ONE + "/telephony/phone-numbers"): "telephony.numbers",
    ("PATCH", _ONE + "/telephony/phone-numbers"): "telephony.assign",
    ("POST", _ONE + "/telephony/inbound"): "telephony.switch",
    ("POST", _ONE + "/telephony/outbound"): "telephony.switch",
    ("GET", _ONE + "/versions"): "versions.list",
    ("GET", _ONE + "/versions/{version}"): "versions.get",
    ("GET", _ONE + "/diff"): "versions.diff",
    ("POST", _ONE + "/restore"): "versions.restore",
    ("GET", "/api/catalogue"): "catalogue",
    ("POST", "/api/phone-numbers"): "phone_numbers.register",
    ("GET", "/api/phone-numbers"): "phone_numbers.list",
    ("GET", "/api/phone-numbers/{id}"): "phone_numbers.get",
    ("PATCH", "/api/phone-numbers/{id}"): "phone_numbers.update",
    ("DELETE", "/api/phone-numbers/{id}"): "phone_numbers.release",
    ("GET", "/api/phone-numbers/{id}/history"): "phone_numbers.history",
    ("GET", "/api/routing/inbound/{e164}"): "routing.look_up",
    ("GET", "/api/events"): "events.follow",
    ("GET", "/api/audit"): "audit.list",
    ("POST", "/api/accounts"): "accounts.open",
    ("GET", "/api/accounts"): "accounts.list",
    ("GET", "/api/account"): "identity",
    ("POST", "/api/keys"): "keys.issue",
    ("GET", "/api/keys"): "keys.list",
    ("POST", "/api/keys/{id}/rotate"): "keys.rotate",
    ("DELETE", "/api/keys/{id}"): "keys.revoke",
    ("GET", "/api/commands/{commandId}"): "commands.get",
}


def test_every_operation_has_a_call() -> None:
    """A route that the API learns is learnt here, or left out for a reason."""
    assert {(route.method, route.path) for route in ROUTES} - NOT_FOR_THIS_CLIENT == set(CALLS)


def test_every_call_is_there_and_in_the_document() -> None:
    """In its table, under its resource."""
    client = Patchbay("http://127.0.0.1:8080", "tk_live_x")
    rows = re.findall(r"^\| `?([\w ]+?)`? \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    named = {(resource, call) for resource, calls in rows for call in re.findall(r"`(\w+)`", calls)}

    for call in sorted(set(CALLS.values())):
        resource, _, method = call.rpartition(".")
        assert callable(getattr(getattr(client, resource) if resource else client, method)), call
        assert (resource or "the client itself", method) in named, call
