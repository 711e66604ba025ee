"""What a rule says of the values that it takes, as JSON Schema: told beside the rule, read by the API's description."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Schema = Mapping[str, Any]
R = TypeVar("R", bound=Callable[[object], object])

_NAME = "json_schema"


def says(schema: Schema) -> Callable[[R], R]:
    """Let a rule tell what it takes. The schema takes exactly the values that the rule takes, but for its `format`."""

    def describe(rule: R) -> R:
        vars(rule)[_NAME] = schema
        return rule

    return describe


def schema_of(rule: Callable[[object], object]) -> Schema:
    """
    Return what the rule takes.

    Raises:
        KeyError: The rule does not say.
    """
    found: Schema = vars(rule)[_NAME]
    return found


def or_null(schema: Schema, *, nullable: bool = True) -> Schema:
    """Return the schema that takes `null` too."""
    return {**schema, "type": [schema["type"], "null"]} if nullable else schema
