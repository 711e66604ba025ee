"""The Python client against the real API."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from tests.contract.api.service import Service, fresh_number

from patchbay.client import (
    Conflict,
    Forbidden,
    InvalidRequest,
    KeyReused,
    NotFound,
    Patchbay,
    Unauthorized,
    VersionMismatch,
)


@pytest_asyncio.fixture(loop_scope="session")
async def client(service: Service) -> AsyncIterator[Patchbay]:
    """Give a client with the account's own key, that reads what it has written."""
    async with Patchbay(service.url, service.own.secret or "", account="my-team", reads_own_writes=True) as entered:
        yield entered


async def test_the_four_calls(client: Patchbay) -> None:
    """Create, read, change, give a number; and the next call is routed by it."""
    created = await client.assistants.create("Sales Agent", template="outbound-setter", temperature=0.2)
    changed = await client.assistants.update(created.id, inbound_enabled=True, first_message=None)
    number = await client.phone_numbers.register(fresh_number())
    assigned = await client.telephony.assign(created.id, [number.id])
    route = await client.routing.look_up(number.phone_number)

    assert (created.type, created.temperature, created.version) == ("outbound-setter", 0.2, 1)
    assert (changed.first_message, changed.inbound_enabled, changed.version) == (None, True, 2)
    assert assigned.phone_number_ids == await client.telephony.numbers(created.id) == (number.id,)
    assert await client.assistants.get(created.id) == assigned
    assert await client.assistants.get_if_changed(created.id, assigned.version) is None
    assert await client.assistants.get_if_changed(created.id, 1) == assigned
    assert (route.outcome, route.assistant) == ("routed", assigned)


async def test_the_same_key_is_the_same_write(client: Patchbay) -> None:
    """However often it is made."""
    first = await client.assistants.create("Once", idempotency_key="client-once")

    assert await client.assistants.create("Once", idempotency_key="client-once") == first
    with pytest.raises(KeyReused):
        await client.assistants.create("Twice", idempotency_key="client-once")


async def test_an_assistant_is_declared_listed_copied_switched_and_deleted(client: Patchbay) -> None:
    """Each change only at the version that it is meant for."""
    declared = await client.assistants.declare("Declared / one", template="custom", only_new=True, temperature=0.1)
    again = await client.assistants.declare("Declared / one", temperature=0.2, if_match=declared.version)
    with pytest.raises(VersionMismatch):
        await client.assistants.declare("Declared / one", only_new=True)
    copy = await client.assistants.clone(again.id, name="Declared / two")
    switched = await client.telephony.switch(copy.id, outbound=True)
    found = await client.assistants.list(q="declared /", inbound_enabled=False, sort="name", limit=1).all()
    await client.assistants.delete(copy.id, if_match=switched.version)

    assert (again.id, again.temperature, again.version) == (declared.id, 0.2, 2)
    assert found == [again, switched]
    assert switched.outbound_enabled
    assert await client.assistants.list(q="declared /").all() == [again]
    with pytest.raises(Conflict):
        await client.telephony.switch(again.id, inbound=True)


async def test_any_write_is_rehearsed(client: Patchbay) -> None:
    """It is decided, told and not done."""
    assistant = await client.assistants.create("Rehearsed")
    rehearsal = await client.rehearse(lambda dry: dry.assistants.update(assistant.id, temperature=0.25))

    assert [(change.field, change.before, change.after) for change in rehearsal.changes] == [("temperature", 0.7, 0.25)]
    assert rehearsal.answer["assistant"]["temperature"] == 0.25
    assert await client.assistants.get(assistant.id) == assistant
    with pytest.raises(InvalidRequest):
        await client.rehearse(lambda dry: dry.assistants.update(assistant.id, temperature=9))
    with pytest.raises(ValueError, match="wrote nothing"):
        await client.rehearse(lambda dry: dry.assistants.get(assistant.id))


async def test_a_key_knows_itself_and_is_rotated(client: Patchbay) -> None:
    """The new one has the same name, and the old one an end."""
    key = await client.keys.issue("rotated", scopes=["account:read"])
    rotated = await client.keys.rotate(key.id, overlap_seconds=60)
    identity = await client.identity()
    listed = {one.id: one async for one in client.keys.list()}

    assert rotated.name == "rotated"
    assert rotated.secret not in (None, key.secret)
    assert listed[key.id].replaced_by == rotated.id
    assert identity.account is not None
    assert identity.account.slug == "my-team"
    assert identity.account.assistants > 0
    assert "*" in identity.key.scopes


async def test_numbers_are_listed_changed_and_released(client: Patchbay) -> None:
    """Page by page, to the last."""
    registered = [await client.phone_numbers.register(fresh_number()) for _ in range(3)]
    await client.phone_numbers.update(registered[0].id, fallback="sip:desk@pbx.example.com")
    await client.phone_numbers.release(registered[1].id)
    listed = {number.id: number async for number in client.phone_numbers.list(limit=1)}

    assert listed[registered[0].id].fallback == "sip:desk@pbx.example.com"
    assert registered[1].id not in listed
    assert await client.phone_numbers.get(registered[2].id) == registered[2]


async def test_what_the_api_refuses_is_an_exception_of_its_kind(service: Service, client: Patchbay) -> None:
    """With everything that the API has said."""
    assistant = await client.assistants.create("Refused")
    holder = await client.assistants.create("Holder")
    number = await client.phone_numbers.register(fresh_number())
    await client.telephony.assign(holder.id, [number.id])

    with pytest.raises(InvalidRequest) as invalid:
        await client.assistants.update(assistant.id, temperature=9, max_tokens=0)
    assert {issue.path for issue in invalid.value.issues} == {"temperature", "max_tokens"}
    assert invalid.value.request_id
    with pytest.raises(VersionMismatch) as moved:
        await client.assistants.update(assistant.id, temperature=1, if_match=9)
    assert moved.value.current_version == 1
    with pytest.raises(Conflict) as taken:
        await client.telephony.assign(assistant.id, [number.id])
    assert taken.value.facts["assistant_id"] == holder.id
    with pytest.raises(NotFound):
        await client.phone_numbers.get("pn_none")
    with pytest.raises(Forbidden):
        await client.assistants.create("x", account="other-team")
    async with Patchbay(service.url, "tk_live_nobody") as stranger:
        with pytest.raises(Unauthorized):
            await stranger.assistants.get(assistant.id)


async def test_operators_open_accounts_and_issue_keys(service: Service) -> None:
    """And take them back."""
    async with Patchbay(service.url, service.operator.secret or "") as operator:
        account = await operator.accounts.open("client-acme", "Acme, Inc.")
        own = operator.for_account("client-acme")
        expires_at = datetime.now(UTC) + timedelta(days=1)
        key = await own.keys.issue("crm", scopes=["assistants:read"], expires_at=expires_at, requests_per_hour=7)
        async with Patchbay(service.url, key.secret or "") as crm:
            with pytest.raises(NotFound):
                await crm.assistants.get("asst_01jm0000000000000000000001")
            assert crm.rate_limit is not None
            assert crm.rate_limit.remaining <= 6
        await own.keys.revoke(key.id)

        assert account in await operator.accounts.list(limit=2).all()
        (listed,) = await own.keys.list().all()
        assert (listed.id, listed.requests_per_hour, listed.secret) == (key.id, 7, None)
        assert listed.expires_at == key.expires_at == expires_at
        assert listed.revoked_at is not None


async def test_events_are_followed_from_the_moment_the_stream_is_entered(client: Patchbay) -> None:
    """And again behind a cursor that was kept."""
    async with client.events.follow(types=["AssistantCreated", "AssistantUpdated"]) as events:
        assistant = await client.assistants.create("Followed")
        await client.because("weil der Test 100 % will: ✓").assistants.update(assistant.id, temperature=0.3)
        found = [await anext(events) for _ in range(2)]
    async with client.events.follow(after=found[0].cursor, types=["AssistantUpdated"]) as events:
        again = await anext(events)

    assert [event.type for event in found] == ["AssistantCreated", "AssistantUpdated"]
    assert found[1].data["temperature"] == 0.3
    assert found[1].reason == "weil der Test 100 % will: ✓"
    assert again.id == found[1].id


async def test_reads_wait_for_several_writes_at_once(service: Service, client: Patchbay) -> None:
    """Their positions may be of different partitions: all of them count."""
    await client.assistants.create("Positioned")
    for _ in range(2):
        await client.phone_numbers.register(fresh_number())
    after = ",".join(client.positions)
    several = await service.own.send("GET", "/api/phone-numbers", headers={"Patchbay-After": after})
    too_many = await service.own.send("GET", "/api/phone-numbers", headers={"Patchbay-After": ",".join([after] * 33)})

    assert len(client.positions) >= 3
    assert several.status == 200
    assert too_many.issues == {("Patchbay-After", "malformed")}
