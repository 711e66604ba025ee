"""Log lines: JSON when nobody is at the terminal, ours and the libraries' in one shape."""

import asyncio
import json
import logging
from typing import Literal

import pytest
import structlog

from patchbay.process import Secret, configure_logging, log_frequent, logs


@pytest.fixture(autouse=True)
def _own_loggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once used, a logger keeps what was configured, with a stream that is closed after the test."""
    monkeypatch.setattr(logs, "_log", structlog.get_logger())
    monkeypatch.setattr(logs, "_frequent", [])


def test_a_line_is_one_json_object_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("example")

    structlog.get_logger().info("batch_projected", records=12, secret=Secret("word"))

    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "batch_projected", "level": "info", "service": "example", "records": 12, "secret": "***"}


def test_the_lines_of_libraries_take_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("example")

    logging.getLogger("aiokafka").warning("lost %s", "it")
    logging.getLogger("aiokafka").info("chatter")

    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["level"], line["logger"], line["service"]) == (
        "lost it",
        "warning",
        "aiokafka",
        "example",
    )


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_frequent_line_is_as_any_other(
    capsys: pytest.CaptureFixture[str], log_format: Literal["console", "json"]
) -> None:
    configure_logging("example", log_format=log_format, level="info")

    structlog.get_logger().info("request", status=200, ms=1.25)
    log_frequent("info", "request", {"status": 200, "ms": 1.25})
    log_frequent("debug", "request", {"status": 200})

    usual, frequent = capsys.readouterr().err.splitlines()
    if log_format == "json":
        first, second = json.loads(usual), json.loads(frequent)
        assert len(first.pop("timestamp")) == len(second.pop("timestamp"))
        assert first == second
    else:
        assert usual.partition(" ")[2] == frequent.partition(" ")[2]


async def test_lines_of_one_turn_of_the_loop_are_written_by_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("example")

    structlog.get_logger().info("first")
    log_frequent("info", "second", {})
    before = capsys.readouterr().err
    await asyncio.sleep(0)

    assert before == ""
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["first", "second"]


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("example", level="warning")

    structlog.get_logger().info("too_quiet")

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_no_variables(
    capsys: pytest.CaptureFixture[str], log_format: Literal["console", "json"]
) -> None:
    """A frame of ours may hold a key or a prompt."""
    configure_logging("example", log_format=log_format)
    secret = "tk_live_" + "x" * 8

    def ours() -> None:
        raise ValueError(f"{len(secret)} characters")

    try:
        ours()
    except ValueError:
        structlog.get_logger().exception("request_failed")
        logging.getLogger("aiohttp").exception("it broke")

    shown = capsys.readouterr().err
    assert shown.count("16 characters") >= 2
    assert secret not in shown
