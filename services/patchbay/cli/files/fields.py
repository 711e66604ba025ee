"""What of an assistant stands in a file, in which order, and of which kind each value is."""

import hashlib
import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

Value = str | float | int | bool | None
Fields = Mapping[str, Value]

NAME: Final = "name"
TEMPLATE: Final = "template"  # only for a creation; afterwards it says what the assistant was made from


class Kind(Enum):
    """How a value is written."""

    TEXT = "a text"
    NUMBER = "a number"
    INTEGER = "a whole number"
    TRUTH = "true or false"


KINDS: Final[Mapping[str, Kind]] = {
    NAME: Kind.TEXT,
    TEMPLATE: Kind.TEXT,
    "provider": Kind.TEXT,
    "model": Kind.TEXT,
    "temperature": Kind.NUMBER,
    "max_tokens": Kind.INTEGER,
    "voice_provider": Kind.TEXT,
    "voice_model": Kind.TEXT,
    "voice_id": Kind.TEXT,
    "voice_name": Kind.TEXT,
    "transcriptor_provider": Kind.TEXT,
    "transcriptor_model": Kind.TEXT,
    "transcriptor_language": Kind.TEXT,
    "recording_enabled": Kind.TRUTH,
    "inbound_enabled": Kind.TRUTH,
    "outbound_enabled": Kind.TRUTH,
    "first_message": Kind.TEXT,
    "system_prompt": Kind.TEXT,
}
SETTABLE: Final = tuple(name for name in KINDS if name != TEMPLATE)

_PROMPTS: Final = frozenset({"first_message", "system_prompt"})
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS: Final = {"true": True, "True": True, "false": False, "False": False}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_DIGEST_CHARACTERS: Final = 16


class WrongKind(Exception):
    """A value is not of its field's kind."""


def value_of(field: str, text: str, *, is_plain: bool) -> Value:
    """
    Return the value that a field's text stands for. The field says of what kind: a model may be called `no` or `1.0`.

    Raises:
        WrongKind: It is not of the field's kind.
    """
    kind = KINDS[field]
    if is_plain and text in _NULLS:
        return None
    if kind is Kind.TEXT:
        return text if field in _PROMPTS else text.strip()  # as the API keeps it
    if is_plain and kind is Kind.TRUTH and text in _TRUTHS:
        return _TRUTHS[text]
    if is_plain and kind is Kind.INTEGER and _INTEGER.fullmatch(text):
        return int(text)
    if is_plain and kind is Kind.NUMBER and _NUMBER.fullmatch(text):
        return float(text)
    raise WrongKind(f"{field} must be {kind.value}")


def digest_of(value: Value) -> str:
    """Return what a value is remembered by: enough to see whether it has changed, and not its text."""
    canonical = json.dumps(float(value) if type(value) is int else value, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_DIGEST_CHARACTERS]
