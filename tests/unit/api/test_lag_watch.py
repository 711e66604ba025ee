"""A copy of the API whose projections are far behind is not ready: its answers are old, and its writes answer 202."""

from collections.abc import Mapping
from typing import Any, cast

from patchbay.api.readiness import Watch
from patchbay.eventlog import LogUnavailable
from patchbay.process import Health


class Behind:
    """What a watch looks at: checkpoints, and where the log ends."""

    def __init__(self) -> None:
        self.passed = {"read_model": 0, "routing": 0}
        self.ends: Mapping[int, int] | None = {0: 0}

    async def fetch(self, _statement: str) -> list[dict[str, Any]]:
        return [{"projection": name, "owned": True, "passed": passed} for name, passed in self.passed.items()]

    async def read_ends(self) -> Mapping[int, int]:
        if self.ends is None:
            raise LogUnavailable("away")
        return self.ends


async def faults_of(watch: Watch) -> str | None:
    await watch._look_at_database()
    await watch._look_at_lag()
    return watch._lag_fault()


async def test_a_projection_further_behind_than_the_bound_is_named_until_it_has_caught_up() -> None:
    world = Behind()
    parts: Any = cast("Any", None)
    watch = Watch(cast("Any", world), parts, parts, world.read_ends, most_lag_records=100)
    world.passed, world.ends = {"read_model": 150, "routing": 49}, {0: 100, 1: 50}

    assert await faults_of(watch) == "routing is 101 records behind"

    world.ends = None
    assert await faults_of(watch) == "routing is 101 records behind", "what was seen last holds while nobody answers"

    world.passed, world.ends = {"read_model": 150, "routing": 50}, {0: 100, 1: 50}
    assert await faults_of(watch) is None


def test_the_bound_is_a_part_of_readiness() -> None:
    world, health = Behind(), Health()
    parts: Any = cast("Any", None)
    watch = Watch(cast("Any", world), parts, parts, world.read_ends, most_lag_records=100)
    watch.report_to(health)

    assert "lag" in health._readiness
