"""Values whose form others have laid down: languages, phone numbers, targets of calls, times. Rules as in `fields`."""

import contextlib
import ipaddress
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import phonenumbers
from langcodes.data_dicts import ALL_SCRIPTS, VALIDITY
from langcodes.tag_parser import LanguageTagError, parse_tag

from patchbay.assistants.described import says
from patchbay.assistants.fields import BLANKS, TEXT_CHARACTERS, InvalidValue, wrong_type

_PHONE_NUMBER: Final = re.compile(r"\+[0-9 ().\-/]{4,40}")
_SIP_URI: Final = re.compile(
    r"(?P<scheme>[sS][iI][pP][sS]?):(?:[A-Za-z0-9_.!~*+-]{1,64}@)?"
    r"(?P<host>[A-Za-z0-9.-]{1,128}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?:;transport=(?:udp|tcp|tls|ws|wss))?(?:;user=(?:phone|ip))?"
)
_HOST_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MEANINGFUL_SUBTAGS: Final = frozenset({"language", "extlang", "script", "territory", "variant"})
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")


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


@says({"type": "string", "format": "phone-number", "pattern": f"^[{BLANKS}]*{_PHONE_NUMBER.pattern}[{BLANKS}]*$"})
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
