"""A topic that is not as the log needs it: said in the log, in /readyz and by a gauge, until it is mended."""

from typing import Any, cast

import structlog

from patchbay.api.readiness import Watch
from patchbay.eventlog import TopicFault
from patchbay.eventlog.topic import judge_settings, settings_of
from patchbay.process import Health, metrics


async def test_compaction_that_was_switched_on_is_named_raised_and_forgotten_when_it_is_off_again() -> None:
    settings = dict(settings_of(3))
    parts: Any = cast("Any", None)

    async def check() -> list[TopicFault]:
        return judge_settings("patchbay.events", settings, replicas=3)

    watch, health = Watch(parts, parts, check, parts, most_lag_records=0), Health()
    health.add_readiness("topic", lambda: "; ".join(watch._topic_faults) or None)
    settings["cleanup.policy"] = "compact"
    with structlog.testing.capture_logs() as lines:
        await watch._look_at_topic()

    assert metrics.topic_faults._value.get() == 1
    assert [line["event"] for line in lines] == ["topic_unfit"]
    assert "cleanup.policy is compact" in str(health.faults())

    settings["cleanup.policy"] = "delete"
    await watch._look_at_topic()

    assert metrics.topic_faults._value.get() == 0
    assert not health.faults()
