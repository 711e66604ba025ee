"""Which bytes are a request body: one JSON object in UTF-8 that no two readers can read differently."""

import json
from typing import Any, Final, NoReturn

from patchbay.assistants.errors import MalformedJson


def decode_object(body: bytes) -> dict[str, Any]:
    """
    Decode a request body. Lone surrogates and NUL in texts are left to the rules of the fields.

    Raises:
        MalformedJson: With code `malformed_json`, `not_an_object`, `duplicate_member` or `too_deep`.

    Source: RFC 8259; RFC 7493 (I-JSON) for duplicate members.
    """
    try:
        value = _DECODE(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedJson("malformed_json", f"The body is not UTF-8 at byte {error.start}.") from error
    except json.JSONDecodeError as error:
        raise MalformedJson(
            "malformed_json", f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except ValueError as error:  # an integer of thousands of digits, which Python refuses to convert
        raise MalformedJson("malformed_json", "The body holds a number that is too long.") from error
    except RecursionError as error:
        raise MalformedJson("too_deep", "The body is nested too deeply.") from error
    if not isinstance(value, dict):
        raise MalformedJson("not_an_object", "The body must be a JSON object.")
    return value


def shown(name: str) -> str:
    """Return a client's own name for something, short enough and encodable to be sent back."""
    return name[:100].encode("utf-8", "backslashreplace").decode("utf-8")


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        seen: set[str] = set()
        for name, _ in members:
            if name in seen:
                raise MalformedJson("duplicate_member", f"The body names {shown(name)!r} twice.")
            seen.add(name)
    return value


def _no_constant(name: str) -> NoReturn:
    raise MalformedJson("malformed_json", f"The body is not JSON: {name} is not a number of JSON.")


_DECODE: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant).decode
