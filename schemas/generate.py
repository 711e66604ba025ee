"""
Write what follows from the code: the JSON Schema of every event's current version, and the description of the API.

Schemas of former versions of events stay as they are.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from patchbay.api.application import ROUTES
from patchbay.api.description.document import describe
from patchbay.assistants.codec import TAGS, dataschema_of

FOLDER: Final = Path(__file__).parent / "events"
OPENAPI: Final = Path(__file__).parent.parent / "docs" / "openapi.yaml"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def main() -> None:
    """Write the files."""
    OPENAPI.write_text(openapi(), encoding="utf-8")
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


class _Dumper(yaml.SafeDumper):
    """Writes texts of many lines as blocks, and everything in full: no anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def openapi() -> str:
    """Return the description of the API as YAML."""
    return yaml.dump(describe(ROUTES), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


if __name__ == "__main__":
    main()
