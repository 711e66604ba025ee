"""Finding the route of a request."""

import pytest

from patchbay.api.application import ROUTES
from patchbay.api.errors import MethodNotAllowed, NotFound
from patchbay.api.routes import RouteTable
from patchbay.assistants.scopes import SCOPES

TABLE = RouteTable(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "route", "arguments"),
    [
        ("POST", "/api/assistants", "/api/assistants", ()),
        ("GET", "/api/assistants/asst_1", "/api/assistants/{assistantId}", ("asst_1",)),
        ("HEAD", "/api/assistants/asst_1", "/api/assistants/{assistantId}", ("asst_1",)),
        ("GET", "/api/routing/inbound/%2B4930", "/api/routing/inbound/{e164}", ("+4930",)),
        ("GET", "/api/routing/inbound/+4930", "/api/routing/inbound/{e164}", ("+4930",)),
        ("GET", "/livez", "/livez", ()),
    ],
)
def test_a_path_leads_to_its_route(method: str, path: str, route: str, arguments: tuple[str, ...]) -> None:
    found, given = TABLE.find(method, path)

    assert (found.path, given) == (route, arguments)


@pytest.mark.parametrize(
    "path", ["", "/", "/api", "/api/", "/api/assistants/", "/api/assistants//telephony", "/api/x", "//api/assistants"]
)
def test_other_paths_lead_nowhere(path: str) -> None:
    with pytest.raises(NotFound):
        TABLE.find("GET", path)


def test_another_method_names_those_that_are_allowed() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        TABLE.find("PUT", "/api/assistants/asst_1")

    assert refused.value.allowed == ("DELETE", "GET", "HEAD", "PATCH")


def test_every_route_demands_a_scope_that_exists() -> None:
    assert {route.scope for route in ROUTES if route.scope} <= SCOPES


def test_every_route_is_guarded_but_the_own_commands_and_what_every_key_may_know() -> None:
    unguarded = {route.path for route in ROUTES if not (route.scope or route.operators_only or route.public)}

    assert unguarded == {"/api/commands/{commandId}", "/api/catalogue"}  # the former looks whose command it is
