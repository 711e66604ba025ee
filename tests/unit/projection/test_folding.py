"""One stream that cannot be folded is no other stream's trouble."""

from collections.abc import Sequence

from tests.unit.projection.chains import Written

from patchbay.eventlog import Envelope, Head, LogIdentity, MemoryLog, read_envelope
from patchbay.postgres import Connection
from patchbay.projection import Arrival, Change
from patchbay.projection.folding import Suspect, fold_arrivals
from patchbay.projection.judging import judge_records

NO_CONNECTION: Connection = None  # type: ignore[assignment]  # a fold in memory loads nothing


class Names:
    """A projection that collects the events' types; some it cannot read, and at some it fails half-way."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def decode(self, envelope: Envelope) -> str | None:
        if envelope.type == "Unreadable":
            raise ValueError("no such type")
        return None if envelope.type == "Unconcerned" else envelope.type

    async def load(self, connection: Connection, events: Sequence[tuple[str, Arrival]]) -> None:
        assert connection is NO_CONNECTION
        assert all(event for event, _ in events)

    def draft(self) -> "NamesDraft":
        return NamesDraft(self.kept)


class NamesDraft:
    def __init__(self, kept: list[str]) -> None:
        self.kept = kept
        self.names: list[str] = []

    def apply(self, event: str, arrival: Arrival) -> None:
        self.names.append(f"{arrival.envelope.stream[:6]}{event}")
        if event == "Failing":
            raise RuntimeError("half-way")

    def changes(self) -> list[Change]:
        return []

    def keep(self) -> None:
        self.kept += self.names


def arrivals(written: Written) -> list[Arrival]:
    """Return all accepted events of the log."""
    identity: LogIdentity = written.identity
    records = [record for p in range(identity.partition_count) for record in written.log.records(p)]
    reads = [(record, read_envelope(record, identity)) for record in records]
    genesis = Head.genesis(identity.log_id)
    return judge_records(reads, dict.fromkeys(written.heads, genesis)).accepted


async def folded(written: Written, blocked: dict[str, Suspect] | None = None) -> tuple[list[str], list[Suspect]]:
    """Fold the whole log; return what was drafted, and the suspects."""
    outcome = await fold_arrivals(Names(), NO_CONNECTION, arrivals(written), blocked or {})
    assert isinstance(outcome.draft, NamesDraft)
    return sorted(outcome.draft.names), outcome.suspects


def two_streams(*types: str) -> tuple[Written, str]:
    """Return a log with an account of these events, and a number with one good event."""
    written = Written(MemoryLog(1))
    account = written.account("a")
    for type_name in types:
        written.seal_raw(account, type_name, b"{}")
    written.seal_raw(written.number("+15550001"), "Good", b"{}")
    return written, account


async def test_an_event_that_cannot_be_read_stops_only_its_stream_from_there_on() -> None:
    written, account = two_streams("First", "Unreadable", "Later")

    names, suspects = await folded(written)

    assert [name[6:] for name in names] == ["First", "Good"]
    assert [(s.stream, s.from_height) for s in suspects] == [(account, 2)]
    assert "no such type" in suspects[0].reason


async def test_an_event_that_fails_half_way_leaves_nothing_behind() -> None:
    written, account = two_streams("First", "Failing", "Later")

    names, suspects = await folded(written)

    assert len(names) == 2
    assert not any("Failing" in name or "Later" in name for name in names)
    assert [(s.stream, s.from_height) for s in suspects] == [(account, 2)]


async def test_the_first_failure_of_a_stream_is_the_one_that_counts() -> None:
    written, account = two_streams("Failing", "Unreadable")

    names, suspects = await folded(written)

    assert len(names) == 1
    assert [(s.stream, s.from_height) for s in suspects] == [(account, 1)]


async def test_an_event_that_does_not_concern_the_projection_is_passed_over() -> None:
    written, _ = two_streams("First", "Unconcerned", "Later")

    names, suspects = await folded(written)

    assert len(names) == 3
    assert suspects == []


async def test_a_blocked_stream_is_not_folded_from_its_height_on() -> None:
    written, account = two_streams("First", "Second", "Third")

    names, suspects = await folded(written, {account: Suspect(account, 2, "before")})

    assert len(names) == 2
    assert suspects == []
