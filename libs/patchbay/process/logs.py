"""Logging: structlog for our own lines, and the libraries' lines in the same shape."""

import asyncio
import atexit
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TextIO, cast

import msgspec
import structlog

_log = structlog.get_logger()

LogFormat = Literal["auto", "console", "json"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(service: str, *, level: str = "info", log_format: LogFormat = "auto") -> None:
    """
    Log to standard error from here on: for people on a terminal, else one JSON object per line.

    The line's `event` is a constant snake_case name; the facts are keys. Lines of the standard library's `logging`
    (aiokafka, aiohttp, asyncio) take the same shape; below `debug` theirs are shown from `warning` on.

    Args:
        service: Added to every line.
        level: One of debug, info, warning, error.
        log_format: `auto` is console if standard error is a terminal, else JSON.
    """
    as_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service(service),
    ]
    ending: list[structlog.typing.Processor] = (
        [_console()]
        if as_console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]
    )
    lines = cast(TextIO, _LinesAtOnce(sys.stderr))
    _frequent.clear()
    if not as_console:
        _frequent.append((_LEVELS[level], service, lines.write, lines.flush))
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(lines),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level] if level == "debug" else max(_LEVELS[level], logging.WARNING))


def _console() -> structlog.typing.Processor:
    # Its own choice of traceback shows the variables of every frame: keys and prompts among them.
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


# How `log_frequent` writes, if it does so by itself: the level from which on, the service, write and flush.
_frequent: list[tuple[int, str, Callable[[str], object], Callable[[], object]]] = []
_encode = msgspec.json.Encoder().encode


def log_frequent(level: Literal["debug", "info", "warning"], event: str, facts: dict[str, object]) -> None:
    """
    Log a line that comes with every request: the same line as any other, at a fifth of the cost.

    Args:
        level: Of the line.
        event: Its constant name.
        facts: What JSON can hold; changed here.
    """
    if not _frequent:
        getattr(_log, level)(event, **facts)
        return
    ((lowest, service, write, flush),) = _frequent
    if _LEVELS[level] < lowest:
        return
    facts["event"] = event
    facts["level"] = level
    facts["timestamp"] = f"{datetime.now(UTC).isoformat(timespec='microseconds')[:26]}Z"
    facts["service"] = service
    write(_encode(facts).decode() + "\n")
    flush()


class _LinesAtOnce:
    """
    Writes the lines of one turn of the event loop together; without a loop, at once.

    What a turn has written is out before the next one waits for anything: a process that is killed loses at most the
    lines of the turn that it was in.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # that will write them
        atexit.register(self._write_out)

    def write(self, line: str) -> None:
        """Keep a line for later."""
        self._lines.append(line)

    def flush(self) -> None:
        """See to it that what was written gets out."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write_out()
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_soon(self._write_out)

    def _write_out(self) -> None:
        lines, self._lines, self._loop = self._lines, [], None
        if lines:
            self._stream.write("".join(lines))
            self._stream.flush()


def _add_service(service: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return add


def _to_json(value: object, **_options: object) -> str:
    return msgspec.json.encode(value, enc_hook=_encode_other).decode()


def _encode_other(value: object) -> str:
    return str(value)
