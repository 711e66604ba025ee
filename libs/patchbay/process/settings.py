"""Settings: one struct per process, decoded once from the environment, each bad one named."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from patchbay.process.errors import SettingsError

S = TypeVar("S", bound=msgspec.Struct)


class FromText:
    """A type of settings of a process's own: made from the variable's text; raises ValueError for a bad one."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        """Read the text."""


class Secret(str, FromText):
    """A text that hides itself from `repr`, `str` and f-strings; `reveal()` gives it away."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __str__(self) -> str:
        return "***"

    def __format__(self, format_spec: str) -> str:
        return format("***", format_spec)

    def reveal(self) -> str:
        """Return the text itself, as a plain `str`."""
        return "".join(self)


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that every process has; a process adds its own in a struct derived from this one."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    instance_id: str = msgspec.field(default_factory=socket.gethostname)


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


def load_settings(settings_type: type[S], environ: Mapping[str, str] = os.environ) -> S:
    """
    Return the settings of this process, or end it with exit code 2 and one line for each bad setting.

    Raises:
        SystemExit: A setting is missing or malformed.
    """
    try:
        return decode_settings(settings_type, environ)
    except SettingsError as error:
        for fault in error.faults:
            sys.stderr.write(f"bad setting: {fault}\n")
        raise SystemExit(2) from None


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
