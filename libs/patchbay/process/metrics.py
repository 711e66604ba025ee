"""Every metric of Patchbay, with its type and unit, in one place."""

from bisect import bisect_left
from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_LATENCY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH_RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)

# Every process.
build = Info("patchbay_build", "What runs, as labels; always 1.", registry=REGISTRY)
build.info({"version": version("patchbay")})

# The API.
requests = Counter("patchbay_requests", "Answers, by what was asked.", ["method", "route", "status"], registry=REGISTRY)
request_seconds = Histogram(
    "patchbay_request_seconds",
    "From the request's head to the answer's end.",
    ["method", "route"],
    buckets=_LATENCY_SECONDS,
    registry=REGISTRY,
)
run_records = Histogram(
    "patchbay_run_records", "Events that were decided and appended together.", buckets=_BATCH_RECORDS, registry=REGISTRY
)
commands_decided_again = Counter(
    "patchbay_commands_decided_again", "Commands whose event was void, or whose session ended.", registry=REGISTRY
)
write_stage_seconds = Histogram(
    "patchbay_write_stage_seconds",
    "Stages of writes, each time of a batch: reading the stream's state, deciding, and from the append to the verdict.",
    ["stage"],  # load, decide, settle
    buckets=_LATENCY_SECONDS,
    registry=REGISTRY,
)
verdicts = Counter(
    "patchbay_verdicts", "Verdicts on this copy's own records, by how they were learnt.", ["by"], registry=REGISTRY
)
settler_wakes = Counter(
    "patchbay_settler_wakes", "What had verdicts looked for: a notification, or the clock.", ["by"], registry=REGISTRY
)

connections_open = Gauge("patchbay_connections", "Connections of clients that are open.", registry=REGISTRY)
connections_closed = Counter(
    "patchbay_connections_closed",
    "Connections, or requests of them, that were ended from here, by what took too long or by whom they made room for.",
    ["reason"],  # head, body, request, unread, idle, made_room
    registry=REGISTRY,
)
connections_refused = Counter(
    "patchbay_connections_refused",
    "Connections for which there was no room: in all, or for one peer more.",
    ["limit"],  # total, peer
    registry=REGISTRY,
)

event_streams = Gauge("patchbay_event_streams", "Streams of events that clients have open.", registry=REGISTRY)
event_streams_ended = Counter(
    "patchbay_event_streams_ended", "Streams that have ended, and why.", ["reason"], registry=REGISTRY
)
events_told = Counter("patchbay_events_told", "Events that were sent to streams, each time.", registry=REGISTRY)

usage_shared = Gauge(
    "patchbay_usage_shared", "1 if this copy counts requests together with the others, 0 if alone.", registry=REGISTRY
)
usage_foreign = Counter(
    "patchbay_usage_foreign", "Notifications about usage that no copy can have sent.", registry=REGISTRY
)

# The log.
append_seconds = Histogram(
    "patchbay_append_seconds", "From append to the broker's word.", buckets=_LATENCY_SECONDS, registry=REGISTRY
)
append_sessions_ended = Counter(
    "patchbay_append_sessions_ended",
    "Producers that were replaced, since what they had sent could not be known any more.",
    ["reason"],
    registry=REGISTRY,
)
clock_skew_seconds = Gauge(
    "patchbay_clock_skew_seconds", "This machine's clock less the broker's append time.", registry=REGISTRY
)
topic_faults = Gauge(
    "patchbay_topic_faults",
    "What about the topic is not as the log needs it: its settings, partitions, manifests; asked every minute.",
    registry=REGISTRY,
)
records_read = Counter(
    "patchbay_records_read", "Records that a reader judged.", ["reader", "verdict"], registry=REGISTRY
)

# The database.
pool_wait_seconds = Histogram(
    "patchbay_pool_wait_seconds",
    "How long a statement waited for a connection, where none was free.",
    ["pool"],
    buckets=_LATENCY_SECONDS,
    registry=REGISTRY,
)

# The projections.
batch_seconds = Histogram(
    "patchbay_batch_seconds",
    "From the fetched batch to its commit.",
    ["projection"],
    buckets=_LATENCY_SECONDS,
    registry=REGISTRY,
)
batch_records = Histogram(
    "patchbay_batch_records", "Records in one transaction.", ["projection"], buckets=_BATCH_RECORDS, registry=REGISTRY
)
lag_records = Gauge(
    "patchbay_lag_records", "Records in the log that are not projected.", ["projection", "partition"], registry=REGISTRY
)
lag_seconds = Gauge(
    "patchbay_lag_seconds",
    "For how long records have been in the log that may not be projected; 0 where all are.",
    ["projection", "partition"],
    registry=REGISTRY,
)
last_pass_timestamp = Gauge(
    "patchbay_last_pass_timestamp_seconds",
    "When a projection last had a batch committed, or looked and found nothing; seconds since 1970.",
    ["projection"],
    registry=REGISTRY,
)
streams_stopped = Gauge("patchbay_streams_stopped", "Streams stopped as broken.", ["projection"], registry=REGISTRY)
streams_quarantined = Gauge(
    "patchbay_streams_quarantined", "Streams that cannot be folded.", ["projection"], registry=REGISTRY
)
quarantined_since = Gauge(
    "patchbay_quarantined_since_timestamp_seconds",
    "When the stream that has been quarantined longest was so first, seconds since 1970; 0 if there is none.",
    ["projection"],
    registry=REGISTRY,
)


def observer_of(histogram: Histogram) -> Callable[[float], None]:
    """
    Return what observes on the loop's thread alone, at a fifth of the cost: for what every write does several times.

    The library takes a lock twice and goes through the buckets one by one (prometheus_client 0.26, `metrics.py`).
    """
    total, buckets, bounds = histogram._sum, histogram._buckets, histogram._upper_bounds  # noqa: SLF001 - see above

    def observe(amount: float) -> None:
        total._value += amount  # noqa: SLF001 - see above
        buckets[bisect_left(bounds, amount)]._value += 1  # noqa: SLF001 - see above

    return observe


def render_metrics() -> bytes:
    """Return all metrics as Prometheus text."""
    return generate_latest(REGISTRY)
