"""The published JSON Schemas say what the types say, and what is in the log keeps to them."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from schemas.generate import FOLDER, generated

from patchbay.assistants.codec import TAGS, decode_event
from patchbay.assistants.errors import MalformedEvent

ODD_VALUES: tuple[Any, ...] = (None, 1, 0.5, True, "text", [], [1], {})
GOLDEN = Path(__file__).parent / "golden" / "events"
FILES = sorted(GOLDEN.glob("*.json"))


def validator_of(version: str) -> Draft202012Validator:
    """Return the validator of an event's version, such as `KeyIssued.v1`."""
    return Draft202012Validator(schema_in(FOLDER / f"{version}.json"))


def schema_in(path: Path) -> Any:
    """Return the schema in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_version_of_every_event_has_its_schema_and_nothing_else_has() -> None:
    versions = {f"{name}.v{version}" for name, tag in TAGS.items() for version in range(1, tag.version + 1)}

    assert {path.stem for path in FOLDER.iterdir()} == versions


@pytest.mark.parametrize(("path", "content"), generated().items(), ids=lambda part: getattr(part, "stem", ""))
def test_a_schema_is_the_one_that_follows_from_the_type(path: Path, content: str) -> None:
    """If it is not: `make schemas`."""
    name, _, version = path.stem.rpartition(".v")
    schema = json.loads(content)
    Draft202012Validator.check_schema(schema)

    assert path.read_text(encoding="utf-8") == content
    assert schema["$id"] == f"urn:patchbay:{name}:{version}"
    assert schema["description"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_golden_bytes_of_an_event_keep_to_its_schema(path: Path) -> None:
    validator = validator_of(path.stem)
    for case in json.loads(path.read_text(encoding="utf-8")):
        assert case["dataschema"] == schema_in(FOLDER / path.name)["$id"]
        validator.validate(json.loads(case["data"]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_schema_and_types_take_offence_at_the_same_members(path: Path) -> None:
    """A subscriber that has the schema alone quarantines the streams that Patchbay's own readers quarantine."""
    validator = validator_of(path.stem)
    name = path.stem.rpartition(".v")[0]
    for case in json.loads(path.read_text(encoding="utf-8")):
        data = json.loads(case["data"])
        for member in data:
            without = {other: value for other, value in data.items() if other != member}
            variants = [without, *({**data, member: odd} for odd in ODD_VALUES)]
            for variant in variants:
                assert validator.is_valid(variant) == decodes(name, case["dataschema"], variant), variant
        assert validator.is_valid({**data, "later": 1})


def decodes(name: str, dataschema: str, data: Any) -> bool:
    """Return whether the type takes `data`."""
    try:
        decode_event(name, dataschema, json.dumps(data).encode())
    except MalformedEvent:
        return False
    return True
