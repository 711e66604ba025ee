"""The telephony programs that these tests need on the machine."""

import os
import shutil
from typing import Final

import pytest

KAMAILIO: Final = "kamailio"
SIPP: Final = "sipp"
PACKAGES: Final = "kamailio kamailio-postgres-modules sip-tester"


def find(program: str) -> str:
    """Return where the program is; without it the test is skipped, but fails where CI is set."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin")
    if found is not None:
        return found
    sentence = f"there is no {program} here: apt-get install {PACKAGES}"
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(sentence)
    pytest.skip(sentence)
