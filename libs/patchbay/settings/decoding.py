"""Decoding the environment into a struct of settings; each variable that cannot be used is named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from patchbay.settings.errors import SettingsError
from patchbay.settings.secret import FromText

S = TypeVar("S", bound=msgspec.Struct)


def decode_settings(settings_type: type[S], environ: Mapping[str, str]) -> S:
    """
    Return the settings that the environment holds; a field `api_port` is the variable `API_PORT`.

    A variable that is set to the empty text counts as absent. `API_PORT_FILE` may name a file with the value instead:
    so secrets need not stand in the environment, which every child and many a dump shows.

    Raises:
        SettingsError: One sentence for each variable that is missing or malformed, not only for the first.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings_type):
        variable = field.name.upper()
        try:
            text = _text_of(variable, environ)
            if text:
                values[field.name] = msgspec.convert(text, field.type, strict=False, dec_hook=_decode_other)
                continue
        except msgspec.ValidationError as error:
            faults.append(f"{variable}: {_lower_first(str(error))}")
            continue
        if field.required:
            faults.append(f"{variable} is not set")
    if faults:
        raise SettingsError(tuple(faults))
    return settings_type(**values)


def _text_of(variable: str, environ: Mapping[str, str]) -> str:
    """
    Return what the variable says, or the file that its companion names; the empty text: neither says anything.

    Raises:
        msgspec.ValidationError: Both do, or the file cannot be read.
    """
    text, path = environ.get(variable, ""), environ.get(f"{variable}_FILE", "")
    if not path:
        return text
    if text:
        raise msgspec.ValidationError(f"set by {variable}_FILE too: set one of the two")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise msgspec.ValidationError(f"the file {path} cannot be read: {reason}") from None


def _decode_other(wanted: type, value: object) -> object:
    if issubclass(wanted, FromText) and isinstance(value, str):
        return wanted(value)
    raise NotImplementedError(f"no setting can be of type {wanted!r}")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
