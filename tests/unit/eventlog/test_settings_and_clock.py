"""What a topic's settings are judged by, and what an acknowledgement tells about the clocks."""

import pytest
from aiokafka.structs import RecordMetadata, TopicPartition

from patchbay.eventlog.clock_skew import ClockSkew
from patchbay.eventlog.lanes import _skew_seconds
from patchbay.eventlog.topic import judge_settings, settings_of


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_a_topic_as_it_is_created_has_no_fault(replicas: int) -> None:
    assert judge_settings("events", settings_of(replicas), replicas=replicas) == []


def test_a_replicated_topic_needs_two_replicas_in_sync() -> None:
    settings = {**settings_of(3), "min.insync.replicas": "1"}

    [fault] = judge_settings("events", settings, replicas=3)
    assert (fault.setting, fault.found, fault.wanted) == ("min.insync.replicas", "1", "at least 2")
    assert "--entity-name events --add-config min.insync.replicas=2" in str(fault)


def test_a_replicated_topic_may_leave_flushing_to_its_replicas() -> None:
    assert "flush.messages" not in settings_of(3)


def test_a_setting_that_is_not_told_is_a_fault() -> None:
    assert {fault.setting for fault in judge_settings("events", {}, replicas=1)} == set(settings_of(1))


def acknowledgement(timestamp_ms: int | None, timestamp_type: int = 1) -> RecordMetadata:
    return RecordMetadata("events", 0, TopicPartition("events", 0), 7, timestamp_ms, timestamp_type, 0)


@pytest.mark.parametrize(
    ("metadata", "skew_seconds"),
    [
        (acknowledgement(1_000_500), 0.0),
        (acknowledgement(1_005_000), 4.0),
        (acknowledgement(990_000), -9.999),
        (acknowledgement(990_000, timestamp_type=0), 0.0),
        (acknowledgement(-1), 0.0),
        (acknowledgement(None), 0.0),
        (None, 0.0),
    ],
    ids=["in between", "ahead", "behind", "not the broker's", "duplicate", "old broker", "none"],
)
def test_the_brokers_clock_is_off_by_what_its_time_lies_outside_of_sending_and_acknowledging(
    metadata: RecordMetadata | None, skew_seconds: float
) -> None:
    assert _skew_seconds(metadata, 1000.0, 1001.0) == pytest.approx(skew_seconds)


def test_a_skew_that_was_seen_long_ago_counts_for_nothing() -> None:
    """A copy that appends nothing because of its clock must find out when the clock was put right."""
    now = 100.0
    skew = ClockSkew(lambda: now)
    skew.note(3.0)
    at_once = skew.seconds
    now += 6.0

    assert (at_once, skew.seconds) == (3.0, 0.0)
