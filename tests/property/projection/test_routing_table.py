"""The table that a subscriber holds does not depend on how the streams' events interleave, nor on redelivery."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.projection.lives import PHONE_NUMBERS, Lives
from tests.unit.projection.chains import Chains

from patchbay.callrouting import Answer, Fact, Outcome, RoutingTable, read_fact
from patchbay.eventlog import Envelope, LogIdentity, StoredRecord, read_envelope

IDENTITY = LogIdentity("ab" * 32, "memory", 1)


def facts_of(seed: int, events: int) -> dict[str, list[Fact]]:
    """Return the facts of a random life, by stream."""
    chains = Chains(IDENTITY)
    lives = Lives(chains, Random(seed))
    facts: dict[str, list[Fact]] = {}
    for offset in range(1, events + 1):
        stream, event = lives.next()
        sealed = chains.seal(stream, event)
        read = read_envelope(StoredRecord(0, offset, 0, sealed.key, sealed.value, tuple(sealed.headers)), IDENTITY)
        assert isinstance(read, Envelope)
        if (fact := read_fact(read)) is not None:
            facts.setdefault(stream, []).append(fact)
    return facts


def answers(table: RoutingTable) -> dict[str, Answer]:
    """Return what the table says of every number there is."""
    return {number: table.look_up(number) for number in PHONE_NUMBERS}


def interleaved(facts: dict[str, list[Fact]], random: Random) -> list[Fact]:
    """Return the facts in a random order that keeps each stream's."""
    rest = {stream: list(of_stream) for stream, of_stream in facts.items()}
    order = []
    while rest:
        stream = random.choice(sorted(rest))
        order.append(rest[stream].pop(0))
        if not rest[stream]:
            del rest[stream]
    return order


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), events=st.integers(1, 60), others=st.integers(0, 2**32))
def test_any_order_of_the_streams_gives_the_same_table(seed: int, events: int, others: int) -> None:
    facts = facts_of(seed, events)
    one, another = RoutingTable(), RoutingTable()
    for fact in interleaved(facts, Random(seed)):
        one.apply(fact)
    for fact in interleaved(facts, Random(others)):
        another.apply(fact)

    assert answers(one) == answers(another)


@given(seed=st.integers(0, 2**32), events=st.integers(1, 60))
def test_every_change_of_an_answer_is_told(seed: int, events: int) -> None:
    table = RoutingTable()
    for fact in interleaved(facts_of(seed, events), Random(seed)):
        before = answers(table)
        told = table.apply(fact)
        after = answers(table)

        assert {number for number in PHONE_NUMBERS if before[number] != after[number]} <= told


@given(seed=st.integers(0, 2**32), events=st.integers(1, 60))
def test_an_answer_names_the_owner_and_only_one_who_holds_the_number(seed: int, events: int) -> None:
    table = RoutingTable()
    for fact in interleaved(facts_of(seed, events), Random(seed)):
        table.apply(fact)
    for answer in answers(table).values():
        is_owned = answer.outcome is not Outcome.UNKNOWN_NUMBER
        is_held = answer.outcome in (Outcome.ROUTED, Outcome.INBOUND_DISABLED)

        assert (answer.account_id is not None) == is_owned
        if answer.outcome is not Outcome.SUSPENDED:  # then it may be held or not
            assert (answer.assistant_id is not None) == is_held
        if answer.outcome in (Outcome.ROUTED, Outcome.UNKNOWN_NUMBER):
            assert answer.fallback is None
