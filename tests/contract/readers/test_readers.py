"""Readers of the log in other languages, which know docs/subscribing.md alone, come to the table that we hold."""

import json
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from tests.contract.readers.adversity import make_log
from tests.contract.readers.foreign import Reader, go_reader, javascript_reader
from tests.contract.readers.ours import lines_of_library, lines_of_service, lines_of_verdicts
from tests.integration.projection.running import connected
from tests.integration.projection.test_processes import process

from patchbay.callrouting import CallRouting

READERS = [go_reader, javascript_reader]


@pytest.mark.parametrize("make_reader", READERS)
def test_the_golden_vectors_lead_to_the_same(make_reader: Callable[[], Reader]) -> None:
    make_reader().check_golden_vectors()


async def test_a_log_of_every_adversity_leads_to_the_same_table_byte_for_byte(
    kafka: str, database_url: str, topic: str
) -> None:
    """Races, redeliveries, foreign records, quarantined and stopped streams, a mend, moves, transactions."""
    readers = [make_reader() for make_reader in READERS]
    async with AsyncExitStack() as stack:
        identity, ends = await make_log(kafka, topic, stack)
        async with connected(database_url) as database, process("patchbay.routing", kafka, database_url, topic):
            held = await lines_of_service(database, ends)
        async with CallRouting.subscribe(bootstrap_servers=kafka, topic=topic) as routing:
            in_memory = lines_of_library(routing)
        verdicts = await lines_of_verdicts(kafka, identity, ends)
        told = [await reader.lines(kafka, topic) for reader in readers]
    told += [await reader.lines(kafka, topic) for reader in readers]  # the log ends with an offset without a record now

    assert in_memory == [line for line in held if line.startswith('["inbound"')]
    for lines in told:
        assert lines == sorted([*held, *verdicts])
    assert {json.loads(line)[4] for line in in_memory} == {"routed", "unassigned", "inbound_disabled", "suspended"}
    assert all(json.loads(line)[2] > 0 for line in verdicts)
