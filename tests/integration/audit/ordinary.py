"""A log as an API leaves it."""

from collections.abc import Iterator

import msgspec
from tests.unit.projection.chains import Chains, assistant_created, assistant_id, numbers_assigned

from patchbay.assistants.events import (
    AssistantDeleted,
    AssistantUpdated,
    KeyIssued,
    KeyRevoked,
    NumberReleased,
    NumberUpdated,
    ReplacedKey,
)
from patchbay.eventlog import SealedRecord, open_appender, open_log

PARTITIONS = 4
EDITS = 70  # more than lie between two milestones


async def ordinary_log(kafka: str, topic: str) -> None:
    """Make a log as an API leaves it: everything that can be done, and records that lost a race."""
    identity = await open_log(kafka, topic, create_with_partitions=PARTITIONS)
    chains = Chains(identity)
    records = []
    for number in range(8):
        account, assistant = chains.account(f"team-{number}"), assistant_id(number)
        records += [opened := chains.opened(f"team-{number}"), chains.registered(f"+1555000{number}", account)]
        records.append(chains.seal(account, assistant_created(assistant, account, inbound_enabled=number % 2 == 0)))
        records += [opened, chains.seal(account, numbers_assigned(assistant, (chains.number(f"+1555000{number}"), 1)))]
    records += _life(chains)
    async with open_appender(kafka, identity) as appender:
        for record in records:
            await appender.append([record], session=appender.session)


def _life(chains: Chains) -> Iterator[SealedRecord]:
    """Yield what else may happen in an account."""
    account, number = chains.account("team-2"), chains.number("+15550002")
    for edit in range(EDITS):
        yield chains.seal(account, AssistantUpdated(assistant_id=assistant_id(2), temperature=edit / 100))
    yield chains.seal(number, NumberUpdated(number_id=number, fallback="+15550099"))
    yield chains.seal(account, assistant_created(assistant_id(90), account, inbound_enabled=True))
    yield chains.seal(account, numbers_assigned(assistant_id(90), (number, 1), taken_from=(assistant_id(2),)))
    yield chains.seal(account, AssistantDeleted(assistant_id=assistant_id(90), number_ids=(number,)))
    yield chains.seal(number, NumberReleased(number_id=number, account_id=account))
    yield chains.registered("+15550002", chains.account("team-3"))
    issued = KeyIssued(
        key_id="key_1", account_id=account, name="crm", secret_sha256="1" * 64, hint="tk", scopes=("*", "keys:read")
    )
    yield chains.seal(account, issued)
    replaced = ReplacedKey(key_id="key_1", expires_at="2026-02-19T00:00:00.000000Z")
    other = msgspec.structs.replace(issued, key_id="key_2", secret_sha256="2" * 64, replaces=replaced)
    yield chains.seal(account, other)
    yield chains.seal(account, KeyRevoked(key_id="key_2"))
