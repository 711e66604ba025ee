"""What copies of the API tell each other: in any order, twice, in part, or garbled, all of them count the same."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.api.limits.windows import Windows
from patchbay.usage import ASK, SLOT_SECONDS, SLOTS, Count, pack, read, slot_at
from patchbay.usage.tidings import PAYLOAD_BYTES

NOW = 1_800_000_000.0
SLOT = slot_at(NOW)
COPY = "0123456789abcdef"


def key(number: int) -> str:
    return f"key_0{number:025d}"


def use(windows: Windows, key_id: str, times: int = 1, at: float = NOW, size_bytes: int = 0) -> None:
    for _ in range(times):
        windows.count(windows.current(key_id, slot_at(at)), at, 1, size_bytes)


def used(windows: Windows, key_id: str, at: float = NOW) -> tuple[int, int]:
    window = windows.current(key_id, slot_at(at))
    return window.amount, window.size_bytes


def tell(windows: Windows) -> list[str]:
    return pack(windows.copy, windows.tell(1_000_000))


def hear(windows: Windows, payload: str, at: float = NOW) -> None:
    tidings = read(payload)
    assert tidings is not None
    assert tidings.copy is not None
    for count in tidings.counts:
        windows.hear(tidings.copy, count, slot_at(at))


def test_what_one_copy_counts_the_other_counts_too() -> None:
    here, there = Windows(), Windows()
    use(here, key(1), 3, size_bytes=10)
    use(there, key(1), 2, size_bytes=5)
    for payload in tell(here):
        hear(there, payload)
    for payload in tell(there):
        hear(here, payload)

    assert used(here, key(1)) == used(there, key(1)) == (5, 40)
    assert tell(here) == tell(there) == []


@given(seed=st.integers(0, 2**32))
def test_any_order_repetition_and_loss_ends_at_the_same_counts(seed: int) -> None:
    """Once everything has been told again."""
    random = Random(seed)
    copies = [Windows() for _ in range(3)]
    expected: dict[str, int] = {}
    on_their_way: list[tuple[Windows, str]] = []
    for _ in range(60):
        teller = random.choice(copies)
        key_id, at = key(random.randrange(4)), NOW - random.randrange(3) * SLOT_SECONDS
        use(teller, key_id, 1, at)
        expected[key_id] = expected.get(key_id, 0) + 1
        if random.random() < 0.4:
            on_their_way += [(other, payload) for payload in tell(teller) for other in copies]
        random.shuffle(on_their_way)
        for listener, payload in on_their_way[: random.randrange(6)]:
            hear(listener, payload)
        del on_their_way[random.randrange(10) :]
    for teller in copies:
        teller.tell_again()
        for payload in tell(teller):
            for other in copies:
                hear(other, payload)

    assert all(used(windows, key_id)[0] == amount for windows in copies for key_id, amount in expected.items())


def test_what_others_used_leaves_the_window_too() -> None:
    here, there = Windows(), Windows()
    use(there, key(1), 7)
    for payload in tell(there):
        hear(here, payload)
    later = NOW + (SLOTS + 1) * SLOT_SECONDS

    assert used(here, key(1)) == (7, 0)
    assert used(here, key(1), later) == (0, 0)
    assert here._entries == 0


def test_all_is_told_again_when_somebody_asks() -> None:
    windows = Windows()
    use(windows, key(1), 2)
    windows.touch(key(2), NOW)
    first = sorted(tell(windows))
    windows.tell_again()

    assert sorted(tell(windows)) == first


def test_of_many_keys_some_wait_for_the_next_time() -> None:
    windows = Windows()
    for number in range(50):
        use(windows, key(number))
    told = [windows.tell(20) for _ in range(4)]

    assert [len(counts) for counts in told] == [20, 20, 10, 0]
    assert {count.id for counts in told for count in counts} == {key(number) for number in range(50)}


def test_a_key_is_looked_up_once_when_it_is_first_used_here() -> None:
    """Also if others have told of it before: what it used while nobody of them was there is in the table only."""
    windows = Windows()
    windows.hear(COPY, Count(key(1), SLOT, 0, 5), SLOT)
    use(windows, key(1), 3)

    assert windows.unfamiliar(10) == [key(1)]
    use(windows, key(1))
    assert windows.unfamiliar(10) == []


def test_a_million_keys_take_bounded_memory() -> None:
    windows = Windows(most_entries=1_000)
    for number in range(20_000):
        use(windows, key(number))
        windows.hear(COPY, Count(key(number + 10_000), SLOT, 0, 5), SLOT)
        windows.tell(10)

    assert windows._entries <= 1_000
    assert len(windows._windows) <= 1_000
    assert used(windows, key(19_999))[0] >= 1


def test_payloads_are_as_long_as_postgres_takes() -> None:
    windows = Windows()
    for number in range(1_000):
        windows.count(windows.current(key(number), SLOT), NOW, 2**50, 2**50)
    payloads = tell(windows)

    assert all(len(payload.encode()) <= PAYLOAD_BYTES for payload in payloads)
    assert sum(len(json.loads(payload)["counts"]) for payload in payloads) == 1_000


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "x",
        "[]",
        "null",
        "{",
        "\ud800",
        "[" * 5_000,
        '{"copy":"no","counts":[]}',
        '{"copy":"0123456789abcdef\\n","counts":[]}',
        f'{{"copy":"{COPY}","counts":[["{key(1)}",1,1]]}}',
        f'{{"copy":"{COPY}","counts":[["{key(1)}",1,1,-1,0]]}}',
        f'{{"copy":"{COPY}","counts":[["{key(1)}",1,1,1e400,0]]}}',
        f'{{"copy":"{COPY}","counts":[["{key(1)}",99999999999,1,1,0]]}}',
        f'{{"copy":"{COPY}","counts":[["{key(1)}",1,1,"1",0]]}}',
        f'{{"copy":"{COPY}","counts":[["{key(1)}",1,1,1,0,7]]}}',
        f'{{"copy":"{COPY}","counts":[["operator",1,1,1,0]]}}',
        f'{{"copy":"{COPY}","counts":{[["x"]] * 500}}}'.replace("'", '"'),
        '{"ask":"yes"}',
        '{"ask":true,"more":1}',
    ],
)
def test_what_no_copy_can_have_told_is_nothing(payload: str) -> None:
    assert read(payload) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda each: st.lists(each, max_size=5)))
def test_nothing_that_is_told_can_do_harm(content: Any) -> None:
    for payload in (json.dumps(content), json.dumps({"copy": COPY, "counts": content})):
        read(payload)


@pytest.mark.parametrize("slot", [0, SLOT - SLOTS - 1, SLOT + 2, 2**31 - 1])
def test_what_is_out_of_time_is_not_counted(slot: int) -> None:
    """Some copy's clock is wrong, or somebody lies."""
    windows = Windows()
    windows.hear(COPY, Count(key(1), slot, 0, 5), SLOT)

    assert used(windows, key(1)) == (0, 0)


def test_a_question_is_read() -> None:
    tidings = read(ASK)

    assert tidings is not None
    assert (tidings.ask, tidings.copy, tidings.counts) == (True, None, ())
