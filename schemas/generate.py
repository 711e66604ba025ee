"""Write the JSON Schema of every event's current version from its type; files of former versions stay as they are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from patchbay.assistants.codec import TAGS, dataschema_of

FOLDER: Final = Path(__file__).parent / "events"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for path, content in generated().items():
        path.write_text(content, encoding="utf-8")


def generated() -> Mapping[Path, str]:
    """Return the content of each file, by path."""
    return {
        FOLDER / f"{name}.v{tag.version}.json": json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"
        for name, tag in TAGS.items()
    }


def schema_of(type_name: str) -> Mapping[str, Any]:
    """Return the schema of the value of a record whose `ce_type` and `ce_dataschema` are this type's current ones."""
    tag = TAGS[type_name]
    parts = msgspec.json.schema(tag.event)
    definitions = dict(parts["$defs"])
    event = definitions.pop(parts["$ref"].removeprefix("#/$defs/"))
    schema = {"$schema": DIALECT, "$id": dataschema_of(type_name, tag.version), **event, "title": type_name}
    return schema | ({"$defs": definitions} if definitions else {})


if __name__ == "__main__":
    main()
