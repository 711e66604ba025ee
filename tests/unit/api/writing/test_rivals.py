"""How copies that write to one stream take turns, by what each hears of the others."""

from patchbay.api.writing.rivals import (
    CONTENDED_SECONDS,
    FIRST_ROUND_SECONDS,
    PATIENCE_TURNS,
    PAUSE_SECONDS,
    QUIET_ROUNDS,
    TURN_SECONDS,
    Rivals,
)

STREAM = "acct_1"
ROUND = FIRST_ROUND_SECONDS


def test_who_has_lost_no_race_never_waits() -> None:
    rivals = Rivals()
    rivals.won(STREAM, 1.0, ROUND, 10)
    rivals.wrote(STREAM, 1.0, 11)

    assert rivals.seconds_to_wait(STREAM, 1.0) == 0
    assert rivals.seconds_to_wait("acct_2", 1.0) == 0


def test_who_has_lost_a_race_waits_until_the_stream_is_quiet() -> None:
    """Each event of another copy begins the quiet anew; one that is older than the newest is no news."""
    rivals = Rivals()
    rivals.lost(STREAM, 1.0)

    assert QUIET_ROUNDS[0] * ROUND < rivals.seconds_to_wait(STREAM, 1.0)
    rivals.wrote(STREAM, 1.02, 11)
    assert QUIET_ROUNDS[0] * ROUND < rivals.seconds_to_wait(STREAM, 1.02)
    rivals.wrote(STREAM, 1.1, 11)
    assert rivals.seconds_to_wait(STREAM, 1.1) == 0
    assert rivals.seconds_to_wait("acct_2", 1.02) == 0


def test_nobody_waits_for_ever_for_a_stream_that_is_never_quiet() -> None:
    """And once tried, it waits again."""
    rivals = Rivals()
    rivals.lost(STREAM, 0.0)
    now, tried = 0.0, []
    while now < 3 * PATIENCE_TURNS * TURN_SECONDS:
        rivals.wrote(STREAM, now, round(now * 1000) + 1)
        if rivals.seconds_to_wait(STREAM, now) == 0:
            tried.append(now)
            rivals.lost(STREAM, now)
        now += ROUND / 4

    assert len(tried) == 2


def test_a_turn_ends_and_goes_on_only_if_nobody_else_begins() -> None:
    rivals = Rivals()
    rivals.lost(STREAM, 1.0)
    rivals.won(STREAM, 1.1, ROUND, 20)
    end = 1.1 + TURN_SECONDS

    assert rivals.seconds_to_wait(STREAM, end - 0.001) == 0
    rivals.won(STREAM, end, ROUND, 21)
    pause = rivals.seconds_to_wait(STREAM, end)
    assert pause > QUIET_ROUNDS[1] * ROUND  # else others never find it quiet
    rivals.wrote(STREAM, end + pause - ROUND, 22)
    assert rivals.seconds_to_wait(STREAM, end + pause) > 0  # somebody else's turn
    rivals.won(STREAM, end + 0.3, ROUND, 23)
    assert rivals.seconds_to_wait(STREAM, end + 0.3) == 0


def test_a_pause_that_nobody_uses_is_followed_by_the_next_turn() -> None:
    rivals = Rivals()
    rivals.lost(STREAM, 1.0)
    rivals.won(STREAM, 1.1, ROUND, 20)
    end = 1.1 + TURN_SECONDS
    after = end + rivals.seconds_to_wait(STREAM, end)

    assert rivals.seconds_to_wait(STREAM, after) == 0
    assert rivals.seconds_to_wait(STREAM, after + TURN_SECONDS / 2) == 0


def test_who_has_waited_longest_begins_first() -> None:
    longer, shorter = Rivals(), Rivals()
    longer.lost(STREAM, 1.0)
    longer.seconds_to_wait(STREAM, 1.0)
    shorter.lost(STREAM, 1.25)
    for each in (longer, shorter):
        each.wrote(STREAM, 1.25, 30)

    assert longer.seconds_to_wait(STREAM, 1.25) < shorter.seconds_to_wait(STREAM, 1.25)


def test_a_stream_that_others_leave_alone_is_contended_no_longer() -> None:
    rivals = Rivals()
    rivals.lost(STREAM, 1.0)
    rivals.won(STREAM, 1.1, ROUND, 20)
    rivals.won(STREAM, 1.1 + CONTENDED_SECONDS, ROUND, 30)

    assert rivals.seconds_to_wait(STREAM, 1.1 + CONTENDED_SECONDS) == 0


def test_rounds_are_as_long_as_they_are_but_for_a_limit() -> None:
    """A hiccup of seconds must not make everybody wait for as long."""
    rivals = Rivals()
    rivals.lost(STREAM, 0.0)
    for offset in range(200):
        rivals.won(STREAM, 1.0, 60.0, offset + 1)
    rivals.lost(STREAM, 2.0)

    assert rivals.seconds_to_wait(STREAM, 2.0) < PAUSE_SECONDS


def test_what_is_kept_of_old_rivalries_is_bounded() -> None:
    rivals = Rivals()
    for number in range(20_000):
        rivals.lost(f"acct_{number}", number * 0.001)

    assert len(rivals._streams) < 6_000
