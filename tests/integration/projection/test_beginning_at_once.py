"""A log that several processes have begun in the same moment."""

import structlog
from tests.integration.projection.running import ROUTING, connected, log_with, passed, running

from patchbay.process import metrics


async def test_manifests_of_processes_that_begin_a_log_at_once_are_no_strangers(database_url: str) -> None:
    """They are told, and raise no alarm; what only looks like one does."""
    log, written = log_with(partitions=1)
    first = next(iter(log.records(0)))
    assert first.value is not None
    for value in (first.value, first.value.replace(log.identity.log_id.encode(), b"ab" * 32), b'{"log_id":"x"}'):
        log.write(0, first.key, value, first.headers)
    written.opened("neighbour")
    counts = {verdict: metrics.records_read.labels("routing", verdict) for verdict in ("manifest", "foreign")}
    before = {verdict: count._value.get() for verdict, count in counts.items()}
    with structlog.testing.capture_logs() as lines:
        async with connected(database_url) as database, running(ROUTING, log, database_url):
            await passed(database, "routing_1", log)
    told = [(line["event"], line["log_level"], line["offset"]) for line in lines if "offset" in line]

    assert told == [
        ("manifest_repeated", "info", 1),
        ("manifest_repeated", "info", 2),
        ("record_foreign", "warning", 3),
    ]
    assert {verdict: count._value.get() - before[verdict] for verdict, count in counts.items()} == {
        "manifest": 3,
        "foreign": 1,
    }
