"""/api/openapi.json and /api/docs, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api.description.operation import Content, Key, Operation, Schema
from patchbay.api.description.schemas import members

TAGS: Final = {"Documentation": "This description. No key is needed."}
RECORDS: Final[Mapping[str, Schema]] = {}

OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/api/openapi.json"): Operation(
        tag="Documentation",
        name="readDescription",
        summary="This description, as OpenAPI 3.1",
        answer=Content(
            schema={
                **members(openapi={"type": "string"}, info={"type": "object"}, paths={"type": "object"}),
                "additionalProperties": True,
            },
            example={"openapi": "3.1.0", "info": {"title": "Patchbay", "version": "1.0.0"}, "paths": {}},
        ),
        answer_words="The document.",
        answer_headers=("ETag",),
        if_none_match=True,
    ),
    ("GET", "/api/docs"): Operation(
        tag="Documentation",
        name="readPage",
        summary="This description, for people",
        answer=Content(schema={"type": "string"}, media_types=("text/html; charset=utf-8",)),
        answer_words="One page without scripts, which loads nothing else.",
        answer_headers=("ETag",),
        if_none_match=True,
    ),
}
