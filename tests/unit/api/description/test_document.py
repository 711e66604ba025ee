"""The description of the API is valid OpenAPI 3.1, is the file that is checked in, and knows every operation."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemas.generate import OPENAPI, openapi

from patchbay.api.application import ROUTES
from patchbay.api.description.document import describe
from patchbay.api.description.operation import Undescribed
from patchbay.api.routes import Route

DOCUMENT = describe(ROUTES)
OPERATIONS = {op["operationId"]: op for path in DOCUMENT["paths"].values() for op in path.values()}


def test_the_file_says_what_the_code_says() -> None:
    """If it does not: `make schemas`."""
    assert OPENAPI.read_text(encoding="utf-8") == openapi()


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_operation_has_a_name_of_its_own() -> None:
    assert len(OPERATIONS) == len(ROUTES)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))
def test_every_example_is_valid(operation: dict[str, Any]) -> None:
    for schema, example in examples(operation):
        validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example)]
        assert not problems, example


def examples(operation: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each example with the schema that it is one of."""
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    for body in (*bodies, *map(resolve, operation["responses"].values())):
        for content in body.get("content", {}).values():
            if "example" in content:
                yield content["schema"], content["example"]
    for parameter in operation["parameters"]:
        found = resolve(parameter)
        if "example" in found:
            yield found["schema"], found["example"]


def resolve(part: Any) -> Any:
    """Follow a reference to a part of the document."""
    while "$ref" in part:
        found: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def test_a_route_without_an_entry_is_named() -> None:
    route = Route(method="GET", path="/api/secrets", handler=ROUTES[0].handler)
    with pytest.raises(Undescribed, match="GET /api/secrets has no entry"):
        describe((*ROUTES, route))


def test_an_entry_without_a_route_is_named() -> None:
    with pytest.raises(Undescribed, match="no route has the entries"):
        describe(ROUTES[1:])


def test_a_parameter_that_nobody_describes_is_named() -> None:
    changed = msgspec.structs.replace(ROUTES[0], query=frozenset({"sideways"}))
    with pytest.raises(Undescribed, match="'sideways'"):
        describe((changed, *ROUTES[1:]))
