"""What a commit announces: each accepted event once, in payloads that Postgres takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.projection.chains import Chains

from patchbay.eventlog import Envelope, MemoryLog, StoredRecord, read_envelope
from patchbay.projection import Announced, Arrival, announcements_of, read_announcement


def _envelope() -> Envelope:
    identity = MemoryLog(partition_count=1).identity
    sealed = Chains(identity).opened("acme")
    read = read_envelope(StoredRecord(0, 1, 0, sealed.key, sealed.value, tuple(sealed.headers)), identity)
    assert isinstance(read, Envelope)
    return read


ENVELOPE = _envelope()


@given(count=st.integers(0, 400), schema=st.sampled_from(["read_model_1", "read_model_123456"]))
def test_all_is_announced_in_order_in_payloads_that_postgres_takes(count: int, schema: str) -> None:
    arrivals = [Arrival(ENVELOPE, offset % 4, offset) for offset in range(count)]
    payloads = announcements_of(schema, arrivals)
    read = [read_announcement(payload) for payload in payloads]

    assert all(len(payload.encode()) < 8_000 for payload in payloads)
    assert {of for of, _ in read} <= {schema}
    assert [event for _, events in read for event in events] == [
        Announced(ENVELOPE.stream, ENVELOPE.digest, arrival.partition, arrival.offset) for arrival in arrivals
    ]


@pytest.mark.parametrize("payload", ["read_model_1 ", "read_model_1 1:2:acct", "read_model_1 x:2:acct:d", "a b"])
def test_what_is_no_announcement_is_refused(payload: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        read_announcement(payload)
