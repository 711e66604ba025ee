"""What observes cheaply observes the same as the library does."""

import pytest
from prometheus_client import CollectorRegistry, Histogram

from patchbay.process.metrics import observer_of


@pytest.mark.parametrize("amount", [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 99.0])
def test_a_cheap_observation_lands_where_the_library_s_own_does(amount: float) -> None:
    ours, theirs = (Histogram("h", "H.", buckets=(1.0, 2.0), registry=CollectorRegistry()) for _ in range(2))
    observer_of(ours)(amount)
    theirs.observe(amount)

    def samples(histogram: Histogram) -> list[tuple[str, dict[str, str], float]]:
        (metric,) = histogram.collect()
        return [(s.name, dict(s.labels), s.value) for s in metric.samples if not s.name.endswith("_created")]

    assert samples(ours) == samples(theirs)
