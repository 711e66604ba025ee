"""Patchbay-Position, Patchbay-After, and the status of commands."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from tests.contract.api.service import Service

from patchbay.api.tokens import Tokens
from patchbay.api.writing.outcomes import Position


async def test_every_write_tells_its_position_and_a_read_may_wait_for_it(service: Service) -> None:
    created = await service.own.send("POST", "/api/assistants", {"accountSlug": "my-team", "name": "A"})
    number = await service.own.send(
        "POST", "/api/phone-numbers", {"accountSlug": "my-team", "phoneNumber": "+4930123450"}
    )
    path = f"/api/assistants/{created.json['assistant']['id']}"
    after = {"Patchbay-After": created.headers["Patchbay-Position"]}
    released = await service.own.send("DELETE", f"/api/phone-numbers/{number.json['phone_number']['id']}")

    assert (await service.own.send("GET", path, headers=after)).status == 200
    assert released.headers["Patchbay-Position"]
    for token in (number.headers["Patchbay-Position"], released.headers["Patchbay-Position"]):
        routed = await service.own.send("GET", "/api/routing/inbound/+4930123450", headers={"Patchbay-After": token})
        assert routed.json["outcome"] == "unknown_number"


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 3000, "cmd_AAAA", "é"])
async def test_what_is_no_position_is_refused(service: Service, token: str) -> None:
    reply = await service.own.send("GET", "/api/phone-numbers", headers={"Patchbay-After": token})

    assert reply.issues == {("Patchbay-After", "malformed")}


async def test_a_position_of_another_log_is_refused(service: Service) -> None:
    token = Tokens("ab" * 32, 2).write_positions([Position(0, 1)])
    reply = await service.own.send("GET", "/api/phone-numbers", headers={"Patchbay-After": token})

    assert reply.issues == {("Patchbay-After", "other_log")}


async def test_a_position_that_is_not_reached_in_time_is_answered_with_503(service: Service) -> None:
    created = await service.own.send("POST", "/api/assistants", {"accountSlug": "my-team", "name": "A"})
    position = urlsafe_b64decode(created.headers["Patchbay-Position"] + "==")
    far = urlsafe_b64encode(position[:-8] + (2**40).to_bytes(8, "big")).rstrip(b"=").decode()
    began = time.monotonic()
    reply = await service.own.send("GET", "/api/phone-numbers", headers={"Patchbay-After": far})

    assert (reply.status, reply.code) == (503, "not_caught_up")
    assert reply.headers["Retry-After"]
    assert time.monotonic() - began < 6


@pytest.mark.parametrize("token", ["cmd_", "cmd_nope", "asst_x", "cmd_" + "A" * 100, "%00"])
async def test_a_command_that_nobody_was_told_of_is_not_found(service: Service, token: str) -> None:
    assert (await service.own.send("GET", f"/api/commands/{token}")).status == 404
