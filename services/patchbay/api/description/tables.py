"""Schemas and parameters as tables of HTML."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from patchbay.api.description.marking import code, escaped, plain_line

Part = Mapping[str, Any]

_LONGEST_PATTERN: Final = 70  # characters; longer ones tell a reader nothing, and stand in openapi.json
_BOUNDS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("default", "without it {}"),
    ("format", "format {}"),
)


def resolve(document: Part, part: Part) -> Part:
    """Follow a reference within the document."""
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def parameters_of(document: Part, parameters: Sequence[Part]) -> str:
    """Return the table of an operation's parameters."""
    rows = []
    for given in parameters:
        parameter = resolve(document, given)
        example = f" Such as {code(str(parameter['example']))}." if "example" in parameter else ""
        rows.append(
            _row(
                f"{code(parameter['name'])} <span class='soft'>{parameter['in']}</span>",
                told(parameter["schema"]),
                plain_line(parameter["description"]) + example,
            )
        )
    return _table("Parameters and header fields", rows)


def fields_of(document: Part, schema: Part, caption: str) -> str:
    """Return the table of an object's members; for anything else, what it is."""
    properties = resolve(document, schema).get("properties")
    if not properties:
        return f"<p>{told(schema)}</p>"
    required = resolve(document, schema).get("required", ())
    rows = [
        _row(
            code(name) + (' <span class="soft">required</span>' if name in required else ""),
            told(member),
            plain_line(member.get("description", "")),
        )
        for name, member in properties.items()
    ]
    return _table(caption, rows)


def _table(caption: str, rows: Sequence[str]) -> str:
    head = "<thead><tr><th>Name</th><th>Type</th><th>Meaning</th></tr></thead>"
    return f"<table><caption>{escaped(caption)}</caption>{head}<tbody>{''.join(rows)}</tbody></table>"


def _row(name: str, kind: str, words: str) -> str:
    return f'<tr><th scope="row">{name}</th><td>{kind}</td><td>{words}</td></tr>'


def told(schema: Part) -> str:
    """Return in a few words which values a schema takes."""
    return "; ".join(_told(schema)) or "anything"


def _told(schema: Part) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield f'<a href="#schema-{name}">{escaped(name)}</a>'
        return
    if "const" in schema:
        yield code(_json(schema["const"]))
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            yield " or ".join(told(part) for part in schema[choice])
    if "enum" in schema:
        yield " or ".join(code(_json(value)) for value in schema["enum"])
    elif "type" in schema:
        yield escaped(" or ".join([schema["type"]] if isinstance(schema["type"], str) else schema["type"]))
    if "items" in schema:
        yield f"of {told(schema['items'])}"
    yield from (
        words.format(escaped(f"{schema[name]:,}" if _is_number(schema[name]) else str(schema[name])))
        for name, words in _BOUNDS
        if name in schema
    )
    if len(schema.get("pattern", "")) in range(1, _LONGEST_PATTERN):
        yield f"pattern {code(schema['pattern'])}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _json(value: object) -> str:
    return (
        {True: "true", False: "false", None: "null"}[value] if value is None or isinstance(value, bool) else str(value)
    )
