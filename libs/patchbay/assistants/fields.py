"""What a single value of a request may be: one rule per kind, a function that returns the value to keep."""

import re
from collections.abc import Callable, Collection
from typing import Final

from patchbay.assistants.described import or_null, says
from patchbay.assistants.ids import is_id, shape_of

Rule = Callable[[object], object]

NAME_CHARACTERS: Final = 200
FIRST_MESSAGE_CHARACTERS: Final = 4_000
SYSTEM_PROMPT_CHARACTERS: Final = 60_000
TEXT_CHARACTERS: Final = 200
TEMPERATURE: Final = (0.0, 2.0)
MAX_TOKENS: Final = (1, 1_000_000)  # above what any model answers with; a bound only against nonsense
REQUESTS_PER_HOUR: Final = (1, 10_000_000)
OVERLAP_SECONDS: Final = (0, 604_800)  # for which a replaced key may act beside the new one: at most a week

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SLUG_CHARACTERS: Final = (3, 40)
# What str.strip() takes away, and what is left: the pattern of a label says both to who reads only the schema.
BLANKS: Final = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_UNSEEN: Final = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # blanks and controls
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_CONTROL: Final = re.compile(f"[{_CONTROLS}]")


class InvalidValue(Exception):
    """A value breaks the rule of its field."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _kind(value: object) -> str:
    for kind, name in (
        (bool, "a boolean"),
        (str, "a string"),
        (int, "a number"),
        (float, "a number"),
        (list, "a list"),
    ):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "an object"


def wrong_type(expected: str, value: object) -> InvalidValue:
    """Return the issue of a value of another type; `null` where it clears nothing is one of its own."""
    if value is None:
        return InvalidValue("not_nullable", "This field cannot be null.")
    return InvalidValue("wrong_type", f"This field must be {expected}, not {_kind(value)}.")


def _checked_text(value: object, at_most: int) -> str:
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    if len(value) > at_most:
        raise InvalidValue("too_long", f"This field has {len(value):,} characters; at most {at_most:,} are allowed.")
    if "\0" in value:
        raise InvalidValue("invalid_characters", "This field holds a NUL character.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue("invalid_characters", "This field holds half of a surrogate pair.") from None
    return value


def prompt(at_most: int) -> Rule:
    """A text of many lines that `null` clears."""

    @says({"type": ["string", "null"], "maxLength": at_most, "pattern": "^[^\\x00]*$"})
    def check(value: object) -> str | None:
        return None if value is None else _checked_text(value, at_most)

    return check


def label(at_most: int = TEXT_CHARACTERS, *, clearable: bool = False) -> Rule:
    """A text of one line, without blanks around it; not empty, unless `null` clears it."""

    @says(or_null({"type": "string", "pattern": _label_pattern(at_most, clearable=clearable)}, nullable=clearable))
    def check(value: object) -> str | None:
        if value is None and clearable:
            return None
        if isinstance(value, str):
            value = value.strip()
        text = _checked_text(value, at_most)
        if _CONTROL.search(text):
            raise InvalidValue("invalid_characters", "This field holds a control character.")
        if not text and not clearable:
            raise InvalidValue("empty", "This field must not be empty.")
        return text

    return check


def _label_pattern(at_most: int, *, clearable: bool) -> str:
    """Return the pattern of one line of 1 to `at_most` characters, with any blanks around it."""
    visible = f"[^{_UNSEEN}]"
    line = f"{visible}(?:[^{_CONTROLS}]{{0,{at_most - 2}}}{visible})?"
    return f"^[{BLANKS}]*(?:{line}[{BLANKS}]*)?$" if clearable else f"^[{BLANKS}]*{line}[{BLANKS}]*$"


def number(at_least: float, at_most: float) -> Rule:
    """A number; kept as a float."""

    @says({"type": "number", "minimum": at_least, "maximum": at_most})
    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type("a number", value)
        if not at_least <= value <= at_most:  # a NaN is in no range
            raise InvalidValue("out_of_range", f"This field must be between {at_least} and {at_most}.")
        return float(value)

    return check


def integer(at_least: int, at_most: int, *, nullable: bool = False) -> Rule:
    """
    A whole number, kept as an integer. 1024.0 is 1024: JSON knows one kind of number, and some clients write all alike.

    Source: JSON Schema 2020-12 Core, 4.2.3.
    """

    @says(or_null({"type": "integer", "minimum": at_least, "maximum": at_most}, nullable=nullable))
    def check(value: object) -> int | None:
        if value is None and nullable:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type("a whole number", value)
        if not at_least <= value <= at_most:
            raise InvalidValue("out_of_range", f"This field must be between {at_least} and {at_most}.")
        return value

    return check


@says({"type": "boolean"})
def boolean(value: object) -> bool:
    """A boolean: `true` or `false`, nothing like it."""
    if not isinstance(value, bool):
        raise wrong_type("true or false", value)
    return value


def one_of(known: Collection[str], code: str = "unknown_value") -> Rule:
    """One of the names in `known`."""
    choices = frozenset(known)
    listed = ", ".join(known)

    @says({"type": "string", "enum": list(known)})
    def check(value: object) -> str:
        if not isinstance(value, str):
            raise wrong_type("a string", value)
        if value not in choices:
            raise InvalidValue(code, f"This field must be one of: {listed}.")
        return value

    return check


@says(
    {
        "type": "string",
        "pattern": f"^{_SLUG.pattern}$",
        "minLength": _SLUG_CHARACTERS[0],
        "maxLength": _SLUG_CHARACTERS[1],
    }
)
def slug(value: object) -> str:
    """The slug of an account: 3 to 40 of a-z and 0-9, single hyphens inside."""
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    shortest, longest = _SLUG_CHARACTERS
    if not shortest <= len(value) <= longest or _SLUG.fullmatch(value) is None:
        raise InvalidValue(
            "invalid_slug", f"A slug has {shortest} to {longest} of a-z and 0-9, with single hyphens inside."
        )
    return value


def identifier(prefix: str) -> Rule:
    """An id of the kind `prefix`."""

    @says({"type": "string", "pattern": f"^{shape_of(prefix)}$"})
    def check(value: object) -> str:
        if not isinstance(value, str):
            raise wrong_type("a string", value)
        if not is_id(prefix, value):
            raise InvalidValue("invalid_id", f"This must be an id that begins with {prefix}_.")
        return value

    return check
