"""The client over a wire that loses requests and answers: every kind of write takes effect once."""

import asyncio
import os
import random
import secrets
from collections import Counter

from tests.contract.api.losing_proxy import losing_proxy
from tests.contract.api.service import Service, fresh_number

from patchbay.client import Event, Patchbay, Patience

ROUNDS = int(os.environ.get("CLIENT_FAULT_ROUNDS", "4"))  # each with twelve writes
PATIENCE = Patience(seconds=60.0, attempts=60, first_pause_seconds=0.001, longest_pause_seconds=0.01)


async def one_round(client: Patchbay) -> Counter[str]:
    """Make every kind of write, and return the events that they lead to."""
    assistants, numbers = client.assistants, client.phone_numbers
    first = await assistants.create("First", template="custom")
    second = await assistants.declare(f"Second {secrets.token_hex(8)}")
    third = await assistants.clone(first.id)
    first = await assistants.update(first.id, temperature=0.1, if_match=first.version)
    number = await numbers.register(fresh_number())
    await numbers.update(number.id, fallback="+14155550100")
    assert (await client.telephony.assign(second.id, [number.id])).phone_number_ids == (number.id,)
    assert (await client.telephony.switch(second.id, inbound=True)).inbound_enabled
    await assistants.delete(third.id)
    await numbers.release(number.id)
    key = await client.keys.issue("lost and found", scopes=["assistants:read"])
    await client.keys.revoke((await client.keys.rotate(key.id)).id)

    assert (await assistants.get(first.id)).version == 2
    return Counter(
        AssistantCreated=3,
        AssistantUpdated=2,
        AssistantDeleted=1,
        NumbersAssigned=2,  # the release takes the number off its assistant
        NumberRegistered=1,
        NumberUpdated=1,
        NumberReleased=1,
        KeyIssued=2,
        KeyRevoked=1,
    )


async def test_every_kind_of_write_takes_effect_once_over_a_wire_that_loses_answers(service: Service) -> None:
    """Counted in the log: not one event too many, none too few."""
    slug, seed = f"lossy-{secrets.token_hex(4)}", random.randrange(2**32)
    async with Patchbay(service.url, service.operator.secret or "", account=slug) as operator:
        await operator.accounts.open(slug)
        secret = (await operator.keys.issue("own", requests_per_hour=None)).secret or ""
        async with operator.events.follow() as events, losing_proxy(service.url, seed) as proxy:
            async with Patchbay(proxy.url, secret, account=slug, patience=PATIENCE) as client:
                expected = sum([await one_round(client) for _ in range(ROUNDS)], Counter[str]())
            found: list[Event] = []
            async with asyncio.timeout(30):
                while len(found) < expected.total():
                    found.append(await anext(events))
            marker = await operator.assistants.create("The end")
            async with asyncio.timeout(30):
                last = await anext(events)

    assert Counter(event.type for event in found) == expected, f"seed {seed}"
    assert last.subject == marker.id, f"seed {seed}"
    assert min(proxy.losses.values()) > 0, proxy.losses
