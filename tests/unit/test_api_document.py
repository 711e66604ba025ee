"""The document of the HTTP API names every operation that there is, with its scope."""

import re
from pathlib import Path
from typing import Final

from patchbay.api.application import ROUTES
from patchbay.api.failures import TABLE
from patchbay.api.routes import Route
from patchbay.assistants.body_rules import update_rules
from patchbay.assistants.catalogue import shipped_catalogue
from patchbay.assistants.templates import TEMPLATE_IDS

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = (ROOT / "docs" / "api.md").read_text()


def who_may(route: Route) -> str:
    if route.public:
        return "no key"
    return "operators" if route.operators_only else f"`{route.scope}`" if route.scope else ""


def test_every_operation_stands_there_with_its_scope() -> None:
    """And no other."""
    rows = re.findall(r"^\| `([A-Z]+ /\S+)` \| (.*?) ?\|", DOCUMENT, re.MULTILINE)

    assert {name: scope.strip() for name, scope in rows} == {f"{r.method} {r.path}": who_may(r) for r in ROUTES}


def test_the_readmes_table_names_every_operation() -> None:
    """`POST` `GET /path` stands for both."""
    table = (ROOT / "README.md").read_text().partition("## All of the API")[2].partition("\n## ")[0]
    named = set()
    for methods, path in re.findall(r"((?:`[A-Z]+` )*`[A-Z]+) (/[^`\s]+)`", table):
        named |= {f"{method} {path}" for method in re.findall(r"[A-Z]+", methods)}

    assert named == {f"{route.method} {route.path}" for route in ROUTES}


def test_every_field_and_template_is_named() -> None:
    """As the validation knows them."""
    assert [name for name in update_rules(shipped_catalogue()) if f"`{name}`" not in DOCUMENT] == []
    assert [name for name in TEMPLATE_IDS if f"`{name}`" not in DOCUMENT] == []


def test_every_status_of_an_error_is_explained() -> None:
    """Whoever gets one finds it."""
    explained = {
        int(status) for row in re.findall(r"^\| ([0-9, ]+) \|", DOCUMENT, re.MULTILINE) for status in row.split(",")
    }

    assert {failure.status for failure in TABLE.values()} <= explained
