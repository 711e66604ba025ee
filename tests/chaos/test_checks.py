"""Every check of a run bites: it passes what is true, and finds the one thing that is not."""

from pathlib import Path

import msgspec
import pytest
from tests.chaos.checks.deadlines import late_answers
from tests.chaos.checks.isolation import crossed_answers, crossed_events
from tests.chaos.checks.linearity import lines, not_linearizable
from tests.chaos.checks.numbers import held_twice
from tests.chaos.checks.promises import broken_promises, outcome
from tests.chaos.checks.sessions import stale_reads
from tests.chaos.history import Kind
from tests.chaos.nemesis import Entry
from tests.chaos.tale import NUMBER, ONE, TWO, Tale
from tests.contract.readers.foreign import tool
from tests.system.guarantees.clients import new_traceparent

from patchbay.assistants.events import AssistantUpdated


def faults(tale: Tale) -> str:
    return "\n".join(broken_promises(tale.history, tale.fold()))


def test_what_is_true_breaks_no_promise() -> None:
    tale = Tale()
    tale.change()
    tale.call(Kind.CHANGE, status=412, subject=ONE, if_match=1)
    tale.call(Kind.READ, subject=ONE, told=tale.told(ONE))

    assert faults(tale) == ""
    assert stale_reads(tale.history) == []


def test_a_write_that_was_promised_and_is_missing_is_found() -> None:
    tale = Tale()
    told = tale.told(ONE)
    tale.call(Kind.CHANGE, trace=new_traceparent(), subject=ONE, told=told)

    assert "is not in the log" in faults(tale)


def test_a_write_that_acted_twice_is_found() -> None:
    tale = Tale()
    first = tale.change()
    again = tale.write(tale.account, AssistantUpdated(assistant_id=ONE, name="C"))
    tale.call(Kind.CHANGE, operation=first.operation, trace=again, subject=ONE, told=tale.told(ONE))

    assert "acted 2 times" in faults(tale)


def test_a_command_that_took_effect_twice_is_found() -> None:
    tale = Tale()
    for name in ("B", "C"):
        trace = tale.write(tale.account, AssistantUpdated(assistant_id=ONE, name=name), command_id="ab" * 32)
        tale.call(Kind.CHANGE, trace=trace, subject=ONE, told=tale.told(ONE))

    assert "took effect 2 times" in faults(tale)


@pytest.mark.parametrize("denial", [{"status": 412}, {"status": 503}, {"status": 0, "was_reached": False}])
def test_a_denied_write_that_acted_is_found(denial: dict[str, object]) -> None:
    tale = Tale()
    trace = tale.write(tale.account, AssistantUpdated(assistant_id=ONE, name="B"))
    tale.call(Kind.CHANGE, trace=trace, subject=ONE, **denial)

    assert "acted though its answer denied it" in faults(tale)


@pytest.mark.parametrize(
    ("settled", "fault"),
    [
        ("pending", "has not settled"),
        ("void", "acted though its status denies it"),
        ("accepted", ""),
    ],
)
def test_an_open_write_must_settle_and_agree_with_the_log(settled: str, fault: str) -> None:
    tale = Tale()
    trace = tale.write(tale.account, AssistantUpdated(assistant_id=ONE, name="B"))
    tale.call(Kind.CHANGE, trace=trace, subject=ONE, status=503, location="/api/commands/1", settled=settled)

    assert fault in faults(tale)
    assert bool(faults(tale)) == bool(fault)
    assert outcome(tale.history).indeterminate == 1


def test_a_status_that_claims_what_is_not_in_the_log_is_found() -> None:
    tale = Tale()
    open_one = {"status": 202, "location": "/api/commands/1", "settled": "accepted"}
    tale.call(Kind.CHANGE, trace=new_traceparent(), subject=ONE, **open_one)

    assert "did not act though its status says so" in faults(tale)


def test_an_answer_with_a_state_that_never_was_is_found() -> None:
    tale = Tale()
    told = msgspec.structs.replace(tale.told(ONE), digest="00" * 32)
    tale.call(Kind.READ, subject=ONE, told=told)

    assert "a state that never was" in faults(tale)


def test_an_event_that_nobody_asked_for_is_found() -> None:
    tale = Tale()
    tale.write(tale.account, AssistantUpdated(assistant_id=ONE, name="B"))

    assert "nobody asked for AssistantUpdated" in faults(tale)


def test_a_read_that_goes_back_is_found() -> None:
    tale = Tale()
    before = tale.told(ONE)
    tale.change()
    tale.call(Kind.READ, subject=ONE, told=before, is_after=True)

    assert len(stale_reads(tale.history)) == 1


def test_a_read_that_finds_nothing_of_what_was_is_found() -> None:
    tale = Tale()
    tale.call(Kind.READ, subject=ONE, status=404)

    assert len(stale_reads(tale.history)) == 1


def test_a_number_that_two_assistants_hold_is_found_at_the_event_that_did_it() -> None:
    tale = Tale()
    tale.assign(ONE, NUMBER)
    tale.assign(TWO, NUMBER, taken_from=(ONE,))

    assert held_twice(tale.fold().accepted) == []

    tale.write(tale.account, AssistantUpdated(assistant_id=ONE, name="B"))
    accepted = tale.fold().accepted
    robbed = next(one for one in accepted if getattr(one.event, "taken_from", ()))
    index = accepted.index(robbed)
    accepted[index] = msgspec.structs.replace(robbed, event=msgspec.structs.replace(robbed.event, taken_from=()))

    assert held_twice(accepted) == [
        f"after height {robbed.envelope.height} of {tale.account}, {ONE} and {TWO} both have ['{NUMBER}']"
    ]


def test_an_answer_about_another_account_is_found() -> None:
    tale = Tale()
    tale.call(Kind.TRESPASS, subject=ONE, status=404)
    tale.call(Kind.READ, subject=ONE, told=tale.told(ONE))

    assert crossed_answers(tale.history) == []

    tale.call(Kind.READ, subject=ONE, told=tale.told(ONE), account="acct_other")
    tale.call(Kind.TRESPASS, subject=ONE, told=tale.told(ONE))

    assert len(crossed_answers(tale.history)) == 2


def test_an_event_that_touches_another_accounts_assistant_is_found() -> None:
    tale = Tale()
    log = tale.fold()

    assert crossed_events(log) == []

    foreign = msgspec.structs.replace(log.accepted[-1].envelope, stream="acct_other")
    log.accepted.append(msgspec.structs.replace(log.accepted[-1], envelope=foreign))

    assert len(crossed_events(log)) == 2  # the assistant, and the source


def test_an_answer_that_came_too_late_is_found_unless_something_hindered_it() -> None:
    tale = Tale()
    tale.call(Kind.READ, subject=ONE, began=100.0, ended=130.0)
    freeze = Entry(number=1, round=1, kind="freeze", target="api-1", began=110.0, ended=120.0, company=1)
    elsewhere = msgspec.structs.replace(freeze, target="api-2")
    before = msgspec.structs.replace(freeze, began=50.0, ended=60.0)

    assert late_answers(tale.history, [freeze]) == []
    assert len(late_answers(tale.history, [elsewhere])) == 1
    assert len(late_answers(tale.history, [before])) == 1


async def test_a_history_that_happened_in_its_order_is_linearizable(tmp_path: Path) -> None:
    tool("go")
    tale = Tale()
    tale.assign(ONE, NUMBER)
    tale.assign(TWO, NUMBER, taken_from=(ONE,))
    tale.call(Kind.READ, subject=ONE, told=tale.told(ONE))
    unanswered = tale.write(tale.account, AssistantUpdated(assistant_id=ONE, name="B"))
    tale.call(Kind.CHANGE, trace=unanswered, subject=ONE, status=0)
    tale.call(Kind.CHANGE, subject=ONE, status=412, if_match=1)
    tale.call(Kind.READ, subject=ONE, told=tale.told(ONE))

    assert await not_linearizable(lines(tale.history, tale.fold()), tmp_path) == []


async def test_a_read_of_the_past_after_a_write_was_answered_is_not_linearizable(tmp_path: Path) -> None:
    """Another client's, so that no session shows it; a picture of it is kept."""
    tool("go")
    tale = Tale()
    before = tale.told(ONE)
    tale.change()
    tale.call(Kind.READ, client=2, subject=ONE, told=before)
    found = await not_linearizable(lines(tale.history, tale.fold()), tmp_path)

    assert [line.partition(":")[0] for line in found] == [f"account {tale.account}"]
    assert "not linearizable" in found[0]
    assert found[0].endswith(".html")


async def test_a_look_up_that_leads_to_the_one_who_lost_the_number_is_not_linearizable(tmp_path: Path) -> None:
    tool("go")
    tale = Tale()
    tale.assign(ONE, NUMBER)
    tale.assign(TWO, NUMBER, taken_from=(ONE,))
    history = lines(tale.history, tale.fold())
    look_up = msgspec.structs.replace(
        history[-1], kind="look_up", number=NUMBER, call=100_000_000_000, return_=101_000_000_000
    )

    right = msgspec.structs.replace(look_up, assistant=TWO)
    assert await not_linearizable([*history, right], tmp_path) == []

    wrong = msgspec.structs.replace(look_up, assistant=ONE)
    found = await not_linearizable([*history, wrong], tmp_path)
    assert [line.partition(":")[0] for line in found] == [f"routing {tale.account}"]
