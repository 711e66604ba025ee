"""What the code of each process knows of: its settings, its commands, its ports."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from patchbay.api.settings import ApiSettings
from patchbay.cli.__main__ import COMMANDS
from patchbay.cli.whereabouts import CommandSettings
from patchbay.process import decode_settings
from patchbay.projector.__main__ import ProjectorSettings
from patchbay.routing.__main__ import RoutingSettings

ROOT: Final = Path(__file__).parents[3]
DEPLOY: Final = ROOT / "deploy"
SETTINGS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "api": ApiSettings,
    "projector": ProjectorSettings,
    "routing": RoutingSettings,
}
# Read by asyncpg itself where `DATABASE_URL` names no password: a password in a URL would have to be encoded.
OF_LIBRARIES: Final = {"PGPASSWORD"}


def process_of(command: Sequence[str]) -> str:
    """
    Return which process a container's command starts: a service's name, or `commands`.

    Raises:
        AssertionError: The command starts nothing that there is.
    """
    if list(command[:2]) == ["python", "-m"]:
        assert importlib.util.find_spec(f"{command[2]}.__main__"), command
        return command[2].removeprefix("patchbay.")
    lines = command[2].splitlines() if command[0] == "sh" else [" ".join(command)]
    for line in lines:
        assert line.split()[0] == "patchbay", line
        assert line.split()[1] in COMMANDS, line
    return "commands"


def check_environment(process: str, environ: Mapping[str, str]) -> None:
    """
    See that each variable is a setting that the process has, that none is missing, and that the values are taken.

    Raises:
        AssertionError: One is not.
    """
    settings = CommandSettings if process == "commands" else SETTINGS[process]
    known = {field.name.upper() for field in msgspec.structs.fields(settings)}
    named = {name if name in known else name.removesuffix("_FILE") for name in environ} - OF_LIBRARIES
    assert named <= known, f"{process}: {sorted(named - known)}"
    files = {name for name in environ if name.endswith("_FILE")}  # which are not there
    decode_settings(settings, {name: value for name, value in environ.items() if name not in files})


def port_of(process: str, environ: Mapping[str, str]) -> int:
    """Return where the process listens, told so by this environment."""
    variable = "API_PORT" if process == "api" else "HEALTH_PORT"
    default = next(f.default for f in msgspec.structs.fields(SETTINGS[process]) if f.name == variable.lower())
    return int(environ.get(variable, default))


def listens_beyond_loopback(process: str, environ: Mapping[str, str]) -> bool:
    """Return whether others than the container itself reach the process."""
    return environ.get("API_HOST" if process == "api" else "HEALTH_HOST") == "0.0.0.0"  # noqa: S104 - looked for
