"""The configuration that is shipped: Kamailio takes it, and it takes nothing from the wire that it should not."""

import re
import subprocess
from collections.abc import Mapping

import pytest
from tests.system.guarantees.accounts import open_team
from tests.system.guarantees.cluster import Cluster
from tests.system.telephony.router import CONFIGURATION, VOICE_HOST, Router, environ
from tests.system.telephony.sip import open_caller
from tests.system.telephony.tools import KAMAILIO, find

README = CONFIGURATION.with_name("README.md")
ALL_SETTINGS = dict(environ("postgres://kamailio:secret!@127.0.0.1:5432/patchbay", 5060)) | {
    "PATCHBAY_COPY_SECONDS": "7"
}


def check(settings: Mapping[str, str]) -> str:
    """Return what Kamailio says of the configuration with these settings."""
    command = [find(KAMAILIO), "-c", "-f", str(CONFIGURATION)]
    checked = subprocess.run(command, env=dict(settings), capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - ours
    assert checked.returncode == 0, checked.stderr
    return checked.stdout + checked.stderr


def test_kamailio_takes_the_configuration_with_every_setting_and_with_none() -> None:
    """Without any it listens on loopback alone."""
    assert "interval=7" in check(ALL_SETTINGS)
    assert "udp: 127.0.0.1 [127.0.0.1]:5060" in check({"PATH": ALL_SETTINGS["PATH"]})


def test_every_setting_is_explained() -> None:
    """In the README of its folder, and no other."""
    known = set(re.findall(r"^#!trydefenv (\w+)$", CONFIGURATION.read_text(), re.MULTILINE))
    explained = set(re.findall(r"^\| `(\w+)` \|", README.read_text(), re.MULTILINE))

    assert known == explained == set(ALL_SETTINGS) - {"PATH"}


@pytest.mark.parametrize(
    "user",
    [
        "';drop",
        "'%3B%20drop%20table%20x",
        "+1'--",
        "%2B14155550100",
        "+1415555010O",
        "+14155550100;phone-context=x",
        "++14155550100",
        "1" * 16,
        "+" + "1" * 16,
        "x",
        "*",
        "١٤١٥",
        "$var(number)",
        "\\",
    ],
)
async def test_what_is_no_number_is_not_found_and_asks_nobody(router: Router, user: str) -> None:
    before = len(router.log)
    async with open_caller(router.port) as caller:
        answer = await caller.invite(user)

    assert answer.status in (400, 404)  # 400: it is not even SIP
    assert "error while submitting query" not in router.log[before:]


async def test_a_number_is_found_with_and_without_its_plus_sign(router: Router, cluster: Cluster) -> None:
    async with open_team(cluster) as team, open_caller(router.port) as caller:
        assistant = await team.assistant(inbound_enabled=True)
        number_id, phone_number = await team.number()
        path = f"/api/assistants/{assistant}/telephony/phone-numbers"
        await team.client.written(0, "PATCH", path, {"accountSlug": team.slug, "phoneNumberIds": [number_id]})
        answers = [await caller.invite(user) for user in (phone_number, phone_number.removeprefix("+"))]

    assert [answer.told for answer in answers] == [(302, f"sip:{assistant}@{VOICE_HOST}")] * 2
    assert answers[0].fields["x-patchbay-outcome"] == "routed"


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("REGISTER", 405), ("CANCEL", 481), ("BYE", 405)])
async def test_only_calls_are_looked_up(router: Router, method: str, status: int) -> None:
    async with open_caller(router.port) as caller:
        assert (await caller.request(method, "+14155550100")).status == status
