"""The settings that every process has; bad ones end it before anything is opened."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from patchbay.settings import KafkaSettings, SettingsError, decode_settings

S = TypeVar("S", bound=msgspec.Struct)


class ProcessSettings(KafkaSettings, frozen=True, kw_only=True):
    """Settings that every process has; a process adds its own in a struct derived from this one."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    instance_id: str = msgspec.field(default_factory=socket.gethostname)


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
