"""Kafka's client repeats itself while its brokers are away: one line says so, and one that it is over."""

import logging

from structlog.testing import capture_logs
from tests.servers import eventually

from patchbay.eventlog.calming import OnceUntilCalm


def line(name: str, level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, "Unable connect to node with id %s", ("1",), None)


async def test_trouble_is_told_once_and_its_end_once() -> None:
    once = OnceUntilCalm(calm_seconds=0.05)
    with capture_logs() as told:
        shown = [once.filter(line("aiokafka.conn")) for _ in range(100)]
        await eventually(lambda: len(told) == 2)

    assert not any(shown)
    assert [entry["event"] for entry in told] == ["kafka_troubled", "kafka_calm_again"]
    assert told[0]["reason"] == "Unable connect to node with id 1"
    assert told[1]["lines"] == 100


async def test_the_next_trouble_is_told_again() -> None:
    once = OnceUntilCalm(calm_seconds=0.02)
    with capture_logs() as told:
        once.filter(line("aiokafka"))
        await eventually(lambda: len(told) == 2)
        once.filter(line("aiokafka"))
        await eventually(lambda: len(told) == 4)

    assert [entry["event"] for entry in told] == ["kafka_troubled", "kafka_calm_again"] * 2


async def test_what_others_say_is_shown() -> None:
    once = OnceUntilCalm()
    with capture_logs() as told:
        shown = [
            once.filter(line("asyncpg.pool")),
            once.filter(line("aiokafkaesque")),
            once.filter(line("aiokafka", logging.INFO)),
        ]

    assert (shown, told) == ([True] * 3, [])
