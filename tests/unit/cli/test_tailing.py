"""Following the log: verdicts as every reader gives them, filters, order and lines."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.unit.assistants.builders import ACCOUNT, ALICE, LOG, OTHER_ACCOUNT, created, opened, time_at

from patchbay.assistants.codec import encode_event
from patchbay.assistants.events import AssistantUpdated, Event
from patchbay.assistants.ids import source_of
from patchbay.cli.describing import Style
from patchbay.cli.judging import Chains, Judged
from patchbay.cli.lines import for_people, for_programs
from patchbay.cli.tailing import Tail, Wanted, in_order_of_time, is_abandoned
from patchbay.eventlog import Head, LogIdentity, NewEvent, StoredRecord, Verdict, seal

IDENTITY = LogIdentity(log_id=LOG, topic="patchbay.events", partition_count=1)
GENESIS = Head.genesis(LOG)


def stored(event: Event, parent: Head, *, offset: int, stream: str = ACCOUNT) -> tuple[StoredRecord, Head]:
    """Return `event` as the record on top of `parent`, and the head that it makes."""
    type_, dataschema, affects, data = encode_event(event)
    new = NewEvent(
        type=type_, source=source_of(stream), data=data, dataschema=dataschema, actor="operator", affects=affects
    )
    time = time_at(parent.height + 1)
    sealed = seal(new, stream=stream, parent=parent, base=parent, time=time, event_id=f"e{offset}")
    record = StoredRecord(
        partition=0, offset=offset, timestamp=1_000 * offset, key=sealed.key, value=sealed.value,
        headers=tuple(sealed.headers),
    )  # fmt: skip
    return record, sealed.as_head()


def a_log() -> list[StoredRecord]:
    """Return a log with a record of each verdict: accepted, accepted, void (lost the race), broken, foreign."""
    first, head = stored(opened(), GENESIS, offset=1)
    winner, _ = stored(created(), head, offset=2)
    loser, _ = stored(AssistantUpdated(assistant_id=ALICE, temperature=0.1), head, offset=3)
    unknown = Head(9, "9" * 64, time_at(9))
    orphan, _ = stored(AssistantUpdated(assistant_id=ALICE, temperature=0.2), unknown, offset=4)
    stranger = StoredRecord(partition=0, offset=5, timestamp=5_000, key=b"\x1b[2J", value=b"{}", headers=())
    return [first, winner, loser, orphan, stranger]


def judged_log() -> list[Judged]:
    chains = Chains(IDENTITY)
    return [chains.judge(record) for record in a_log()]


def test_each_record_gets_the_verdict_of_every_reader() -> None:
    """The rule is the log's own; there is no second one here."""
    assert [judged.verdict for judged in judged_log()] == [
        Verdict.ACCEPTED,
        Verdict.ACCEPTED,
        Verdict.VOID,
        Verdict.BROKEN,
        Verdict.FOREIGN,
    ]


def test_a_line_tells_time_stream_height_type_who_verdict_and_change() -> None:
    """In columns, in this order."""
    line = for_people(judged_log()[1], Style(), in_colour=False)

    assert line.split("  ")[0] == "2026-02-18 14:22:31.000"
    assert line.split()[2:7] == [f"acct_…{ACCOUNT[-6:]}", "2", "AssistantCreated", "operator", "accepted"]
    assert 'asst_…000001 "Assistant 1" from custom' in line


def test_what_does_not_count_looks_different_on_a_terminal() -> None:
    """And a stranger's bytes do nothing to it."""
    lines = [for_people(judged, Style(), in_colour=True) for judged in judged_log()]

    assert [line.startswith("\x1b[") for line in lines] == [False, False, True, True, True]
    assert "\\x1b[2J" in lines[4]
    assert "not_an_event" in lines[4]


def test_a_program_gets_everything_uncut() -> None:
    """One JSON object, with digest, base and the whole event."""
    shown = json.loads(for_programs(judged_log()[2]))

    assert shown["verdict"] == "void"
    assert (shown["stream"], shown["height"], shown["type"]) == (ACCOUNT, 2, "AssistantUpdated")
    assert shown["data"] == {"assistant_id": ALICE, "temperature": 0.1}
    assert shown["base"]["height"] == 1
    assert shown["appended_at"] == "1970-01-01T00:00:03.000Z"
    assert json.loads(for_programs(judged_log()[4]))["reason"] == "not_an_event"


def test_the_libraries_log_lines_stay_off_the_terminal() -> None:
    """In a process of its own, since logging is everybody's."""
    script = (
        "import logging, structlog, patchbay.cli.quieting as q; q.quieten_libraries(); "
        "logging.getLogger('aiokafka').error('away'); structlog.get_logger().error('away')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=True)  # noqa: S603 - ours

    assert (ran.stdout, ran.stderr) == (b"", b"")


def test_streams_and_types_can_be_chosen() -> None:
    """A stream by its id or its end, as the lines show it."""
    records = judged_log()

    def shown(**wanted: Any) -> list[int]:
        return [judged.record.offset for judged in records if Wanted(**wanted).holds(judged)]

    assert shown() == [1, 2, 3, 4, 5]
    assert shown(types=frozenset({"AssistantUpdated"})) == [3, 4]
    assert shown(streams=(ACCOUNT[-6:],)) == [1, 2, 3, 4]
    assert shown(streams=(OTHER_ACCOUNT,)) == []


def test_what_lies_before_the_start_is_judged_but_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A verdict depends on all that came before."""
    tail = Tail(Chains(IDENTITY), Wanted(), shown_from={0: 2}, style=Style(), as_json=True)
    for record in a_log():
        tail.take(record)

    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["offset"] for record in shown] == [2, 3, 4, 5]
    assert shown[0]["verdict"] == "accepted"


def test_a_reader_that_went_away_is_noticed_without_a_write() -> None:
    """As `head` does after its last line; the log may be quiet for hours."""
    reading, writing = os.pipe()
    try:
        assert not is_abandoned(writing)
        os.close(reading)
        assert is_abandoned(writing)
    finally:
        os.close(writing)


def test_records_come_by_time_and_within_a_partition_by_offset() -> None:
    """A broker's clock that was set back changes nothing in a chain."""

    def at(partition: int, offset: int, timestamp: int) -> StoredRecord:
        return StoredRecord(partition, offset, timestamp, None, None, ())

    fetched = [at(1, 0, 50), at(1, 1, 20), at(0, 0, 10), at(0, 1, 30)]

    ordered = [(record.partition, record.offset) for record in in_order_of_time(fetched)]
    assert ordered == [(0, 0), (0, 1), (1, 0), (1, 1)]
