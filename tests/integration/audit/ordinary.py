"""A log as an API leaves it."""

from tests.unit.projection.chains import Chains, assistant_created, assistant_id, numbers_assigned

from patchbay.eventlog import open_appender, open_log

PARTITIONS = 4


async def ordinary_log(kafka: str, topic: str) -> None:
    """Make a log as an API leaves it: accounts, numbers, assistants, and records that lost a race."""
    identity = await open_log(kafka, topic, create_with_partitions=PARTITIONS)
    chains = Chains(identity)
    records = []
    for number in range(8):
        account, assistant = chains.account(f"team-{number}"), assistant_id(number)
        records += [opened := chains.opened(f"team-{number}"), chains.registered(f"+1555000{number}", account)]
        records.append(chains.seal(account, assistant_created(assistant, account, inbound_enabled=number % 2 == 0)))
        records += [opened, chains.seal(account, numbers_assigned(assistant, (chains.number(f"+1555000{number}"), 1)))]
    async with open_appender(kafka, identity) as appender:
        for record in records:
            await appender.append([record], session=appender.session)
