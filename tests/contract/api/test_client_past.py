"""The Python client's calls about the past: versions, moments, and the way back."""

from datetime import UTC, datetime

import pytest
from tests.contract.api.service import Service, fresh_number

from patchbay.client import NotFound, Patchbay


async def test_every_edit_is_a_version_that_can_be_read_compared_and_restored(service: Service) -> None:
    """Who, when, why, which fields; and a deleted assistant's stay readable."""
    async with Patchbay(service.url, service.own.secret or "", account="my-team") as client:
        first = await client.assistants.create("Past", temperature=0.1)
        second = await client.because("warmer").assistants.update(first.id, temperature=0.9)
        versions = await client.versions.list(first.id, limit=1).all()
        difference = await client.versions.diff(first.id, since=1, until=second.updated_at)
        restored = await client.versions.restore(first.id, 1, if_match=2)

        assert [version.version for version in versions] == [2, 1]
        assert (versions[0].reason, versions[0].changed_fields) == ("warmer", ("temperature",))
        assert versions[0].actor == (await client.identity()).key.id
        assert await client.versions.get(first.id, 1) == first
        assert await client.versions.at(first.id, first.updated_at) == first
        assert await client.versions.at(first.id, 2) == second
        assert [(c.field, c.before, c.after) for c in difference.changes] == [("temperature", 0.1, 0.9)]
        assert (difference.since.version, difference.until.version) == (1, 2)
        assert (restored.version, restored.temperature) == (3, 0.1)
        newest = await anext(aiter(client.versions.list(first.id)))
        assert newest.restored_from == 1
        await client.assistants.delete(first.id)
        assert [one.version for one in await client.versions.list(first.id, oldest_first=True).all()] == [1, 2, 3, 4]
        with pytest.raises(NotFound):
            await client.versions.get(first.id, 9)


async def test_a_number_has_a_past_too(service: Service) -> None:
    """Who would have answered then."""
    async with Patchbay(service.url, service.own.secret or "", account="my-team") as client:
        assistant = await client.assistants.create("Answers", inbound_enabled=False)
        number = await client.phone_numbers.register(fresh_number())
        assigned = await client.telephony.assign(assistant.id, [number.id])
        await client.telephony.switch(assistant.id, inbound=True)
        then = await client.routing.look_up(number.phone_number, at=assigned.updated_at)
        now = await client.routing.look_up(number.phone_number)
        happened = await client.phone_numbers.history(number.id, limit=1).all()

        assert (then.outcome, now.outcome) == ("inbound_disabled", "routed")
        assert [one.change for one in happened] == ["assigned", "registered"]
        assert happened[0].assistant_id == assistant.id
        with pytest.raises(ValueError, match="time zone"):
            await client.routing.look_up(number.phone_number, at=datetime.now(UTC).replace(tzinfo=None))
