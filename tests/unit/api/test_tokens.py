"""Tokens: what was given out is read back, and nothing else is."""

import pytest

from patchbay.api.tokens import CommandToken, MalformedToken, TokenOfAnotherLog, Tokens
from patchbay.api.writing.outcomes import CommandReference, Position

LOG_ID, OTHER_LOG_ID = "ab" * 32, "cd" * 32
TOKENS = Tokens(LOG_ID, 4)
REFERENCE = CommandReference("acct_01", 7, "ef" * 32, "01" * 32)


def test_positions_are_read_back() -> None:
    token = TOKENS.write_positions([Position(1, 42), Position(3, 7)])

    assert TOKENS.read_positions(token) == {1: 42, 3: 7}


def test_a_position_tells_no_whole_log_id() -> None:
    assert len(TOKENS.write_positions([Position(1, 42)])) < 30


def test_a_position_of_another_log_is_told_apart() -> None:
    token = Tokens(OTHER_LOG_ID, 4).write_positions([Position(1, 42)])

    with pytest.raises(TokenOfAnotherLog):
        TOKENS.read_positions(token)


@pytest.mark.parametrize("text", ["", "x", "no token", "é", "A" * 2000, "!!!!", "q6urq6urq6s", "q6urq6urq6s="])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(MalformedToken):
        TOKENS.read_positions(text)


def test_a_partition_that_the_log_does_not_have_is_refused() -> None:
    with pytest.raises(MalformedToken):
        TOKENS.read_positions(TOKENS.write_positions([Position(4, 1)]))


@pytest.mark.parametrize("releases", [None, "pn_01"])
def test_a_command_is_read_back(releases: str | None) -> None:
    command = CommandToken(REFERENCE, "acct_01", releases)

    assert TOKENS.read_command(TOKENS.write_command(command)) == command


@pytest.mark.parametrize("account_id", [None, "acct_01", "acct_02"])
def test_who_may_ask_is_read_back(account_id: str | None) -> None:
    token = TOKENS.write_command(CommandToken(REFERENCE, account_id))

    assert TOKENS.read_command(token).account_id == account_id
    assert len(token) < 200


def test_a_command_of_another_log_is_refused() -> None:
    token = Tokens(OTHER_LOG_ID, 4).write_command(CommandToken(REFERENCE, "acct_01"))

    with pytest.raises(MalformedToken):
        TOKENS.read_command(token)


def test_a_command_that_was_changed_anywhere_is_refused() -> None:
    token = TOKENS.write_command(CommandToken(REFERENCE, "acct_01"))

    for index in range(len("cmd_"), len(token)):
        changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
        with pytest.raises(MalformedToken):
            TOKENS.read_command(changed)


@pytest.mark.parametrize("text", ["", "cmd_", "cmd_AAAA", "asst_01", "cmd_" + "A" * 64, "cmd_\udcff"])
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(MalformedToken):
        TOKENS.read_command(text)
