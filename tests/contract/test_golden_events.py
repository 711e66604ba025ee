"""
The stored form of every version of every event, for ever.

The files below `golden/events` are never changed: logs out there hold these bytes. A new version adds a file.
"""

import json
from pathlib import Path

import pytest
from msgspec import UNSET

from patchbay.assistants.codec import TAGS, decode_event, encode_event

FOLDER = Path(__file__).parent / "golden" / "events"
FILES = sorted(FOLDER.glob("*.json"))


def test_every_version_of_every_event_has_its_bytes() -> None:
    versions = {f"{name}.v{version}" for name, tag in TAGS.items() for version in range(1, tag.version + 1)}

    assert {path.stem for path in FILES} == versions


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_bytes_of_an_event_are_read_and_written_as_ever(path: Path) -> None:
    name, _, version = path.stem.rpartition(".v")
    for case in json.loads(path.read_text(encoding="utf-8")):
        data = case["data"].encode()

        event = decode_event(name, case["dataschema"], data)

        fields = {field: getattr(event, field) for field in event.__struct_fields__}
        told = {field: value for field, value in fields.items() if value is not UNSET}
        assert (
            json.loads(json.dumps(told, default=lambda part: {f: getattr(part, f) for f in part.__struct_fields__}))
            == case["fields"]
        )
        if int(version) == TAGS[name].version:
            assert encode_event(event) == (name, case["dataschema"], tuple(case["affects"]), data)
