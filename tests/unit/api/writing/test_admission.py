"""Too much at once: who is told so, and that others hardly notice."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from tests.unit.api.writing.copies import create
from tests.unit.api.writing.virtual_time import in_virtual_time
from tests.unit.api.writing.world import World, turns

from patchbay.api.writing import admission
from patchbay.api.writing.admission import (
    MOMENT_SECONDS,
    SHARE,
    SLOW_SECONDS,
    UNCROWDED_WRITES,
    WAITING_WRITES,
    Admission,
)
from patchbay.api.writing.outcomes import Unavailable, Written


def taken(room: Admission, account: str, wanted: int) -> int:
    """Return how many of so many writes of an account may wait."""
    for number in range(wanted):
        try:
            room.begin(account)
        except Unavailable:
            return number
    return wanted


def hear_of(room: Admission, seconds: float, *, since: float = 1.0) -> None:
    """Have writes take so long, for some moments."""
    for number in range(5):
        room.took(since + number * MOMENT_SECONDS, seconds)


def test_no_account_has_all_the_room() -> None:
    """One that wants everything leaves room; another one that does, too."""
    room = Admission()
    first = taken(room, "acct_1", 2 * WAITING_WRITES)
    second = taken(room, "acct_2", 2 * WAITING_WRITES)

    assert first / (WAITING_WRITES - first) == pytest.approx(SHARE, rel=0.05)
    assert second > (WAITING_WRITES - first) / 2
    assert taken(room, "acct_3", 20) == 20


def test_what_ends_makes_room_for_as_much() -> None:
    room = Admission()
    first = taken(room, "acct_1", 2 * WAITING_WRITES)
    for _ in range(first):
        room.end("acct_1")

    assert taken(room, "acct_1", 2 * WAITING_WRITES) == first
    assert not room._waiting.keys() - {"acct_1"}


def test_where_everything_takes_long_only_few_may_wait() -> None:
    room = Admission()
    hear_of(room, SLOW_SECONDS * 1.5)

    hot = taken(room, "acct_hot", 1_000)
    assert hot < UNCROWDED_WRITES / 2
    assert hot + sum(taken(room, f"acct_{number}", 1) for number in range(1_000)) == 2 * UNCROWDED_WRITES
    assert taken(room, "acct_1", 1) == 0
    hear_of(room, SLOW_SECONDS / 2, since=2.0)
    assert sum(taken(room, f"acct_{number}", 1) for number in range(1_000)) == 1_000
    assert taken(room, "acct_1", 1) == 1


def test_many_accounts_with_an_equal_part_each_fill_the_room() -> None:
    """However long each write takes: none of them is more of a crowd than the others."""
    room = Admission()
    hear_of(room, SLOW_SECONDS * 1.5)

    for _ in range(4):
        assert sum(taken(room, f"acct_{number}", 1) for number in range(UNCROWDED_WRITES // 4)) == UNCROWDED_WRITES // 4
    assert taken(room, "acct_1", 1) == 0


def test_a_crowd_of_one_account_keeps_no_other_one_out() -> None:
    """It came when there was room; now there is none, but for who has nothing there."""
    room = Admission()
    taken(room, "acct_hot", UNCROWDED_WRITES + 50)
    hear_of(room, SLOW_SECONDS * 1.5)

    assert taken(room, "acct_hot", 1) == 0
    assert taken(room, "acct_quiet", 1) == 1


def test_one_that_takes_long_beside_others_is_no_overload() -> None:
    """Its stream may be contended, or its partition's broker slow."""
    room = Admission()
    for number in range(100):
        room.took(number * MOMENT_SECONDS / 10, 3.0 if number % 2 else 0.01)

    assert taken(room, "acct_1", UNCROWDED_WRITES * 2) == UNCROWDED_WRITES * 2


def test_that_nothing_is_answered_is_no_overload() -> None:
    """A broker is lost, say: who waits through it is answered when it is over."""
    room = Admission()
    hear_of(room, 0.01)

    assert sum(taken(room, f"acct_{number}", 1) for number in range(2 * WAITING_WRITES)) == WAITING_WRITES


@in_virtual_time
async def test_a_hot_account_is_told_so_at_once_and_another_one_hardly_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it may not have waits nowhere; what was taken is carried out."""
    monkeypatch.setattr(admission, "WAITING_WRITES", 600)
    world = World()
    world.announcing = True
    hot, quiet = world.account("hot"), world.account("quiet")
    loop = asyncio.get_running_loop()
    async with world.projecting(), world.copy() as copy:
        await copy.open_account("hot", hot)
        await copy.open_account("quiet", quiet)
        world.paused = True
        flood = [copy.execute(create(hot, f"asst_{n}"), stream=hot, seconds=60) for n in range(1_000)]
        await turns()
        waiting = sum(not write.done() for write in flood)
        world.paused = False
        begun_at = loop.time()
        await copy.execute(create(quiet, "asst_q"), stream=quiet)
        seconds, unanswered = loop.time() - begun_at, sum(not write.done() for write in flood)
        answers = await asyncio.gather(*flood, return_exceptions=True)

    assert Counter(map(type, answers)) == {Written: waiting, Unavailable: 1_000 - waiting}
    assert waiting == 600 * SHARE / (SHARE + 1) + 1
    assert unanswered > waiting / 3  # it was not behind them
    assert seconds < 0.1


@in_virtual_time
async def test_beyond_what_can_be_done_a_copy_says_so_instead_of_taking_ever_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Clients that come as fast as they like, ten times what is done: who is taken is answered soon, others at once."""
    monkeypatch.setattr(admission, "UNCROWDED_WRITES", 30)
    world = World()
    world.announcing = True
    loop = asyncio.get_running_loop()
    done: list[float] = []
    shed: list[float] = []

    async def client(account: str, number: int) -> None:
        while loop.time() < 2:
            begun_at = loop.time()
            try:
                await copy.execute(create(account, f"asst_{number}_{loop.time()}"), stream=account, seconds=10)
                done.append(loop.time() - begun_at)
            except Unavailable:
                shed.append(loop.time() - begun_at)
                await asyncio.sleep(0.2)

    async def slow() -> None:
        while True:
            await asyncio.sleep(0.15)
            world.project()

    async with world.copy() as copy:
        projecting = asyncio.create_task(slow())
        accounts = [world.account(f"account-{number}") for number in range(10)]
        for account in accounts:
            await copy.open_account(account, account)
        await asyncio.gather(*(client(accounts[n % 10], n) for n in range(300)))
        projecting.cancel()
        with suppress(asyncio.CancelledError):
            await projecting

    assert shed
    assert max(shed) == 0  # at once: it did not wait first
    assert sorted(done)[int(len(done) * 0.9)] < 0.35
