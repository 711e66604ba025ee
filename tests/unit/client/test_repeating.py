"""What the client sends again, and what it makes of answers that get lost."""

import pytest
from tests.unit.client.faulty_api import CREATED, HASTY, client_of_faulty_api

from patchbay.client import (
    Conflict,
    OutcomeUnknown,
    Patience,
    Pending,
    RateLimited,
    Refused,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    VersionMismatch,
)

IMPATIENT = Patience(seconds=0.3, attempts=3, exchange_seconds=0.1, first_pause_seconds=0.001)
PATIENT = Patience(seconds=5.0, exchange_seconds=0.2, first_pause_seconds=0.001)
LOCATION = {"Location": "/api/commands/cmd_x"}
PENDING = {"success": True, "pending": True, "command": {"id": "cmd_x", "status": "pending"}}


@pytest.mark.parametrize("fault", ["lose", "cut", "stall"])
async def test_a_write_whose_answer_is_lost_is_sent_again_under_the_same_key(fault: str) -> None:
    """So it takes effect once."""
    async with client_of_faulty_api(Patience(seconds=5, exchange_seconds=0.2, first_pause_seconds=0.001)) as (
        api,
        client,
    ):
        getattr(api, fault)()
        getattr(api, fault)()
        api.answer(CREATED)

        assistant = await client.assistants.create("Sales Agent")

        assert assistant.id == "asst_1"
        assert len(api.seen) == 3
        assert len(api.write_keys()) == 1
        assert None not in api.write_keys()


async def test_two_writes_have_two_keys() -> None:
    """Else the second would be taken for the first."""
    async with client_of_faulty_api() as (api, client):
        api.answer(CREATED)
        await client.assistants.create("Sales Agent")
        await client.assistants.create("Sales Agent")

        assert len(api.write_keys()) == 2


async def test_without_a_key_a_write_is_not_sent_again_once_it_may_have_acted() -> None:
    """Only its caller can look whether it did."""
    async with client_of_faulty_api(mints_keys=False) as (api, client):
        api.lose()

        with pytest.raises(OutcomeUnknown, match="look before you repeat it") as raised:
            await client.assistants.create("Sales Agent")
        assert len(api.seen) == 1
        assert raised.value.idempotency_key is None


async def test_without_a_key_a_write_is_sent_again_where_nothing_took_effect() -> None:
    """As the API itself has said."""
    async with client_of_faulty_api(mints_keys=False) as (api, client):
        api.refuse(503, "unavailable")
        api.refuse(503, "contended")
        api.answer(CREATED)

        assert (await client.assistants.create("Sales Agent")).id == "asst_1"
        assert len(api.seen) == 3


async def test_a_write_that_never_gets_an_answer_ends_with_its_key() -> None:
    """The same call with this key settles it later."""
    async with client_of_faulty_api(IMPATIENT) as (api, client):
        api.lose()

        with pytest.raises(OutcomeUnknown) as raised:
            await client.assistants.create("Sales Agent", idempotency_key="my-key")
        assert raised.value.idempotency_key == "my-key"
        assert api.write_keys() == {"my-key"}


async def test_nobody_there_is_told_as_that() -> None:
    """A write that was never sent has an outcome: none."""
    async with client_of_faulty_api(IMPATIENT) as (api, client):
        pass
    async with client:
        with pytest.raises(Unreachable, match="Nothing took effect"):
            await client.assistants.create("Sales Agent")
        with pytest.raises(Unreachable):
            await client.assistants.get("asst_1")
    assert api.seen == []


async def test_what_is_in_the_log_is_asked_for_until_it_is_visible() -> None:
    """At the command's own address; the write is not sent again."""
    async with client_of_faulty_api() as (api, client):
        api.answer(PENDING, 202, **LOCATION)
        api.tell("pending")
        api.tell("accepted")
        api.lose()
        api.tell("accepted", CREATED)

        assert (await client.assistants.create("Sales Agent")).id == "asst_1"
        assert [seen.method for seen in api.seen].count("POST") == 1
        assert {seen.path for seen in api.seen if seen.method == "GET"} == {"/api/commands/cmd_x"}


async def test_what_is_in_the_log_and_never_visible_is_pending() -> None:
    """With the name to ask for it later."""
    async with client_of_faulty_api(IMPATIENT) as (api, client):
        api.answer(PENDING, 202, **LOCATION)
        api.tell("accepted")

        with pytest.raises(Pending) as raised:
            await client.assistants.create("Sales Agent")
        assert raised.value.command_id == "cmd_x"


async def test_an_unknown_outcome_is_asked_for_and_then_settled_by_repeating() -> None:
    """A record that never lands has no verdict until the repetition appends another."""
    async with client_of_faulty_api() as (api, client):
        api.refuse(503, "outcome_unknown", LOCATION)
        for _ in range(3):
            api.tell("pending")
        api.answer(CREATED)

        assert (await client.assistants.create("Sales Agent")).id == "asst_1"
        assert [seen.method for seen in api.seen] == ["POST", "GET", "GET", "GET", "POST"]
        assert len(api.write_keys()) == 1


async def test_a_write_that_turned_out_void_is_sent_again() -> None:
    """It never took effect."""
    async with client_of_faulty_api() as (api, client):
        api.refuse(503, "outcome_unknown", LOCATION)
        api.tell("void")
        api.answer(CREATED)

        assert (await client.assistants.create("Sales Agent")).id == "asst_1"


async def test_an_address_elsewhere_gets_no_key() -> None:
    """Whatever a Location says, only the API's own commands are asked for."""
    async with client_of_faulty_api() as (api, client):
        api.refuse(503, "outcome_unknown", {"Location": "http://127.0.0.1:9/steal"})
        api.answer(CREATED)

        await client.assistants.create("Sales Agent")
        assert [seen.method for seen in api.seen] == ["POST", "POST"]


async def test_a_redirection_is_not_followed() -> None:
    """The key is for this address alone."""
    async with client_of_faulty_api() as (api, client):
        api.answer(b"", 302, Location=api.url + "/api/elsewhere")

        with pytest.raises(UnexpectedAnswer, match="not Patchbay's API"):
            await client.assistants.get("asst_1")
        assert len(api.seen) == 1


async def test_a_read_is_repeated_over_faults_of_any_kind() -> None:
    """Nothing depends on how often it arrives."""
    async with client_of_faulty_api() as (api, client):
        api.lose()
        api.answer(b"<html>bad gateway</html>", 502)
        api.refuse(503, "not_caught_up")
        api.cut()
        api.answer(CREATED)

        assert (await client.assistants.get("asst_1")).name == "Sales Agent"
        assert len(api.seen) == 5


async def test_what_the_api_refuses_for_good_is_not_sent_again() -> None:
    """A conflict stays one; and an operator is needed longer than anybody waits."""
    async with client_of_faulty_api() as (api, client):
        api.refuse(409, "number_taken", assistant_id="asst_2")
        with pytest.raises(Conflict) as conflict:
            await client.telephony.assign("asst_1", ["pn_1"])
        api.deeds.clear()
        api.refuse(503, "quarantined")
        with pytest.raises(Unavailable) as quarantined:
            await client.assistants.update("asst_1", temperature=0.1)
        api.deeds.clear()
        api.refuse(412, "version_mismatch", current_version=7, differing_fields=["name"])
        with pytest.raises(VersionMismatch) as moved:
            await client.assistants.update("asst_1", temperature=0.1, if_match=3)

        assert len(api.seen) == 3
        assert conflict.value.facts["assistant_id"] == "asst_2"
        assert quarantined.value.code == "quarantined"
        assert (moved.value.current_version, moved.value.differing_fields) == (7, ("name",))
        assert api.seen[-1].headers["If-Match"] == '"3"'


async def test_a_refusal_after_a_lost_answer_is_final_only_where_the_state_was_looked_at() -> None:
    """A key that was revoked meanwhile says nothing about the try before."""
    async with client_of_faulty_api() as (api, client):
        api.lose()
        api.refuse(401, "unauthorized")
        with pytest.raises(OutcomeUnknown):
            await client.assistants.update("asst_1", temperature=0.1)
        api.deeds.clear()
        api.lose()
        api.refuse(409, "model_of_another_provider")
        with pytest.raises(Conflict):
            await client.assistants.update("asst_1", temperature=0.1)


async def test_retry_after_is_honoured_where_there_is_time_for_it() -> None:
    """And told where there is not."""
    async with client_of_faulty_api() as (api, client):
        api.refuse(429, "rate_limited", {"Retry-After": "0"})
        api.answer(CREATED)
        assert (await client.assistants.get("asst_1")).id == "asst_1"
        api.deeds.clear()
        api.refuse(429, "rate_limited", {"Retry-After": "3600"})

        with pytest.raises(RateLimited) as raised:
            await client.assistants.get("asst_1")
        assert raised.value.retry_after_seconds == 3600
        assert len(api.seen) == 3


async def test_nothing_is_sent_while_the_key_is_known_to_have_nothing_left() -> None:
    """The wait is as long as the API has said; where that is longer than the patience, the API says no itself."""
    async with client_of_faulty_api(HASTY) as (api, client):
        api.answer(CREATED, RateLimit='"hourly";r=0;t=1')
        api.answer(CREATED, RateLimit='"hourly";r=9;t=1')
        await client.assistants.get("asst_1")
        free_at = client._reach.calls.memory.free_at
        await client.assistants.get("asst_1")

        assert free_at > 0
        assert client._reach.calls.memory.free_at == 0
        assert client.rate_limit is not None
        assert client.rate_limit.remaining == 9


async def test_the_attempts_have_an_end() -> None:
    """An API that is down is not hammered for ever, and its own word is the error."""
    async with client_of_faulty_api(HASTY) as (api, client):
        api.refuse(503, "unavailable")

        with pytest.raises(Refused) as raised:
            await client.assistants.get("asst_1")
        assert raised.value.code == "unavailable"
        assert len(api.seen) == HASTY.attempts
