"""/livez, /readyz and /metrics, in words."""

from collections.abc import Mapping
from typing import Final

from patchbay.api.description.operation import Content, Key, Operation, Schema
from patchbay.api.description.schemas import members
from patchbay.process.metrics import CONTENT_TYPE

_FAULTS: Final[Schema] = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "What is wrong, by part.",
}
TAGS: Final = {"Health": "For those who run it. No key is needed."}
RECORDS: Final[Mapping[str, Schema]] = {}


def _health(claim: str, *, holds: bool, faults: Mapping[str, str]) -> Content:
    return Content(
        schema=members(**{claim: {"const": holds}}, faults=_FAULTS), example={claim: holds, "faults": faults}
    )


OPERATIONS: Final[Mapping[Key, Operation]] = {
    ("GET", "/livez"): Operation(
        tag="Health",
        name="isAlive",
        summary="Is the process alive",
        answer=_health("alive", holds=True, faults={}),
        answer_words="It is.",
        other_answers={503: _health("alive", holds=False, faults={"producer": "its task has ended"})},
    ),
    ("GET", "/readyz"): Operation(
        tag="Health",
        name="isReady",
        summary="Can it do its work; if not, why",
        answer=_health("ready", holds=True, faults={}),
        answer_words="It can.",
        other_answers={503: _health("ready", holds=False, faults={"database": "out of reach"})},
    ),
    ("GET", "/metrics"): Operation(
        tag="Health",
        name="readMetrics",
        summary="Figures for Prometheus",
        answer=Content(schema={"type": "string"}, media_types=(CONTENT_TYPE,)),
        answer_words="Prometheus' text format.",
    ),
}
