"""JSON Schema from what the code has already: the rules of request bodies, and the structs of records."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from patchbay.api.description.operation import Content, Schema
from patchbay.assistants.described import schema_of
from patchbay.assistants.fields import Rule

PATCH_MEDIA_TYPES: Final = ("application/json", "application/merge-patch+json")
_SUCCESS: Final[Schema] = {"const": True}


def ref(name: str) -> Schema:
    """Return the reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def body_of(
    rules: Mapping[str, Rule],
    *,
    required: Sequence[str],
    example: Mapping[str, object],
    words: Mapping[str, str] | None = None,
    is_patch: bool = False,
    further: Schema | None = None,
) -> Content:
    """
    Return the body of a request that is read by these rules: every field that they know, and no other.

    Args:
        rules: By field, as the request is validated with.
        required: Fields that must be there.
        example: One that is valid.
        words: What a field means, by field.
        is_patch: May be sent as a merge patch too.
        further: Members to add to the schema, such as rules between fields.
    """
    properties = {field: described(schema_of(rule), (words or {}).get(field)) for field, rule in rules.items()}
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    media_types = PATCH_MEDIA_TYPES if is_patch else ("application/json",)
    return Content(schema=schema | dict(further or {}), example=example, media_types=media_types)


def record_of(
    struct: type[msgspec.Struct], values: Mapping[str, Schema], words: Mapping[str, str] | None = None
) -> Schema:
    """
    Return the schema of the JSON of a struct.

    Args:
        struct: What is encoded.
        values: What the types do not say of a field (its pattern, its format), by field.
        words: What a field means, by field.

    Raises:
        ValueError: `values` names a field that the struct does not have.
    """
    _, components = msgspec.json.schema_components([struct], ref_template="#/components/schemas/{name}")
    own = components[struct.__name__]
    unknown = values.keys() - own["properties"].keys()
    if unknown:
        raise ValueError(f"{struct.__name__} has no fields {sorted(unknown)}")
    properties = {
        field: described(values.get(field, _without_any_of(schema)), (words or {}).get(field))
        for field, schema in own["properties"].items()
    }
    required = [each.encode_name for each in msgspec.structs.fields(struct) if each.default is not msgspec.UNSET]
    return {"type": "object", "description": own.get("description", ""), "properties": properties, "required": required}


def _without_any_of(schema: Mapping[str, Any]) -> Schema:
    """Return `{"type": [a, b]}` for a choice of plain types; and no default: what is answered is always there."""
    choices = schema.get("anyOf", [])
    if choices and all(choice.keys() == {"type"} for choice in choices):
        return {"type": [choice["type"] for choice in choices]}
    return {key: value for key, value in schema.items() if key != "default"}


def described(schema: Schema, words: str | None) -> Schema:
    """Return the schema with words; a reference may have them beside it since 3.1."""
    return schema if words is None else {**schema, "description": words}


def members(**properties: Schema) -> Schema:
    """Return the schema of an object that has all of these members."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def success(
    example: Mapping[str, object] | None = None, /, *, optional: Sequence[str] = (), **shown: Schema
) -> Content:
    """Return a body that tells a success, with these members; those in `optional` may be missing."""
    schema = members(success=_SUCCESS, **shown)
    required = [name for name in schema["required"] if name not in optional]
    return Content(
        schema={**schema, "required": required}, example=None if example is None else {"success": True, **example}
    )


def page_of(member: str, item: Schema, example: object) -> Content:
    """Return the body of one page of a list."""
    shown: dict[str, Schema] = {
        "success": _SUCCESS,
        member: {"type": "array", "items": item},
        "count": {"type": "integer", "minimum": 0, "description": "How many this page has."},
        "limit": {"type": "integer", "minimum": 1, "description": "How many it could have."},
        "next_cursor": {
            "type": ["string", "null"],
            "description": "Send it as `cursor` for the next page; null: this is the last one.",
        },
    }
    one = {"success": True, member: [example], "count": 1, "limit": 50, "next_cursor": None}
    return Content(schema=members(**shown), example=one)
