"""The README's table of settings says what the processes really read."""

import re
from pathlib import Path
from typing import Final

import msgspec

from patchbay.api.settings import ApiSettings
from patchbay.cli.whereabouts import CommandSettings
from patchbay.projector.__main__ import ProjectorSettings
from patchbay.routing.__main__ import RoutingSettings

README: Final = Path(__file__).parents[2] / "README.md"
PROCESSES: Final[dict[str, type[msgspec.Struct]]] = {
    "api": ApiSettings,
    "projector": ProjectorSettings,
    "routing": RoutingSettings,
    "commands": CommandSettings,
}
HOST: Final = "the host's name"
NONE: Final = "none"


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """Return the default as the table writes it."""
    if field.default is not msgspec.NODEFAULT:
        return NONE if field.default is None else f"`{field.default}`"
    return "required" if field.default_factory is msgspec.NODEFAULT else HOST


def expected() -> dict[str, tuple[str, str]]:
    """Return default and readers of each variable, as the structs have them."""
    found: dict[str, dict[str, list[str]]] = {}
    for process, settings in PROCESSES.items():
        for field in msgspec.structs.fields(settings):
            found.setdefault(field.name.upper(), {}).setdefault(default_of(field), []).append(process)
    rows = {}
    for variable, defaults in found.items():
        readers = [process for process in PROCESSES if any(process in group for group in defaults.values())]
        told = [
            default if len(defaults) == 1 else f"{default} ({', '.join(group)})" for default, group in defaults.items()
        ]
        rows[variable] = (", ".join(told), ", ".join(readers))
    return rows


def test_the_table_of_settings_equals_the_structs_of_all_processes() -> None:
    """Variable, default and readers; what a setting means is for people to judge."""
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (.+?) \| (.+?) \| .+ \|$", README.read_text(), re.MULTILINE)

    assert {variable: (default, readers) for variable, default, readers in rows} == expected()
    assert len(rows) == len(expected())
