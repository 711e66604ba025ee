"""What a single value of a request may be: one rule per kind, a function that returns the value to keep."""

import contextlib
import ipaddress
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import phonenumbers
from langcodes.data_dicts import ALL_SCRIPTS, VALIDITY
from langcodes.tag_parser import LanguageTagError, parse_tag

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
_BLANKS: Final = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_UNSEEN: Final = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # blanks and controls
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_CONTROL: Final = re.compile(f"[{_CONTROLS}]")
_PHONE_NUMBER: Final = re.compile(r"\+[0-9 ().\-/]{4,40}")
_SIP_URI: Final = re.compile(
    r"(?P<scheme>[sS][iI][pP][sS]?):(?:[A-Za-z0-9_.!~*+-]{1,64}@)?"
    r"(?P<host>[A-Za-z0-9.-]{1,128}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:;transport=(?:udp|tcp|tls|ws|wss))?(?:;user=(?:phone|ip))?"
)
_HOST_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MEANINGFUL_SUBTAGS: Final = frozenset({"language", "extlang", "script", "territory", "variant"})
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")


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
    return f"^[{_BLANKS}]*(?:{line}[{_BLANKS}]*)?$" if clearable else f"^[{_BLANKS}]*{line}[{_BLANKS}]*$"


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


@says({"type": "string", "format": "language-tag", "pattern": f"^{_LANGUAGE.pattern}$", "maxLength": TEXT_CHARACTERS})
def language(value: object) -> str:
    """
    A BCP-47 language tag, kept in its usual case (`en-us` becomes `en-US`).

    Source: RFC 5646; the registry of its subtags by langcodes.
    """
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    tag = _language_tag(value) if len(value) <= TEXT_CHARACTERS else None
    if tag is None:
        raise InvalidValue("invalid_language", "This field must be a BCP-47 language tag, such as en-US.")
    return tag


@lru_cache(maxsize=1024)
def _language_tag(text: str) -> str | None:
    # Language.get() would remember every tag that it ever saw, and clients choose them.
    if _LANGUAGE.fullmatch(text) is None:
        return None
    try:
        parts: list[tuple[str, str]] = parse_tag(text)  # type: ignore[no-untyped-call] # langcodes has no types there
    except LanguageTagError:
        return None
    subtags = [subtag for kind, subtag in parts if kind in _MEANINGFUL_SUBTAGS]
    if len(subtags) != len(parts) or len({kind for kind, _ in parts}) != len(parts):
        return None  # private use and extensions mean nothing to a transcriptor; nor does a kind twice
    known = all(VALIDITY.match(subtag) or subtag in ALL_SCRIPTS for subtag in subtags)
    return "-".join(subtags) if known else None


@says({"type": "string", "format": "phone-number", "pattern": f"^[{_BLANKS}]*{_PHONE_NUMBER.pattern}[{_BLANKS}]*$"})
def phone_number(value: object) -> str:
    """
    A phone number in international form, kept as E.164. Numbers of ranges that nobody has heard of yet are allowed.

    Source: ITU-T E.164; the lengths of each country's numbers by phonenumbers.
    """
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    text = value.strip()
    if _PHONE_NUMBER.fullmatch(text) is not None:
        try:
            parsed = phonenumbers.parse(text)
        except phonenumbers.NumberParseException:
            parsed = None
        if parsed is not None and phonenumbers.is_possible_number(parsed):
            return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    raise InvalidValue("invalid_phone_number", "This field must be a phone number with + and country code, in E.164.")


@says({"type": ["string", "null"], "format": "call-target", "maxLength": TEXT_CHARACTERS})
def call_target(value: object) -> str | None:
    """
    Where a call can be sent: a phone number, kept as E.164, or a SIP or SIPS URI; `null` = nowhere.

    A URI may say who, where (a host name, or an address), the port, `transport` and `user`. All else is refused that
    the grammar would allow, headers first: it goes into the Contact of a SIP answer as it is.

    Source: RFC 3261, 19.1 and 25.1.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    if len(value) <= TEXT_CHARACTERS:
        uri = _SIP_URI.fullmatch(value)
        if uri is not None and _is_host(uri["host"]) and (uri["port"] is None or 0 < int(uri["port"]) < 2**16):
            return uri["scheme"].lower() + value[len(uri["scheme"]) :]
        if value.startswith("+"):
            with contextlib.suppress(InvalidValue):
                return phone_number(value)
    raise InvalidValue(
        "invalid_call_target",
        "This field must be a phone number in E.164, or a URI such as sip:desk@pbx.example.com;transport=tls.",
    )


def _is_host(text: str) -> bool:
    labels = text.split(".")
    try:
        if text.startswith("["):
            ipaddress.IPv6Address(text[1:-1])
        elif labels[-1].isdigit():  # no top level is a number, so it is meant as an address
            ipaddress.IPv4Address(text)
        else:
            return all(_HOST_LABEL.fullmatch(label) for label in labels)
    except ValueError:
        return False
    return True


@says({"type": ["string", "null"], "format": "date-time"})
def time(value: object) -> str | None:
    """A time with its offset, ISO 8601, kept in UTC with six digits; `null` = never."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type("a string", value)
    try:
        parsed = datetime.fromisoformat(value)
        utc = parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        raise InvalidValue(
            "invalid_time", "This field must be an ISO 8601 time with its offset, such as 2027-01-31T12:00:00Z."
        )
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")  # the year 999 comes with three digits


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
