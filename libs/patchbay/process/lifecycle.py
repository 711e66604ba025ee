"""The life of a process: one loop, one stop event, and an end at the second signal."""

import asyncio
import gc
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
import uvloop

from patchbay.settings import Refused

log = structlog.get_logger()

STOP_SECONDS = 25.0  # below Kubernetes' 30 s grace period: what hangs is told, and not just killed


def run(
    main: Callable[[asyncio.Event], Coroutine[Any, Any, None]], *, stop_timeout_seconds: float = STOP_SECONDS
) -> None:
    """
    Run `main(stop)` on uvloop until it returns; SIGTERM or SIGINT sets `stop`, a second one ends the process at once.

    So does the time that it has for stopping, with exit code 1: what it was doing then is settled by the log.

    Raises:
        SystemExit: Exit code 1; `main` raised, and the reason has been logged. Exit code 2: Kafka or Postgres do not
            let this process in, or not do what it has to; the sentence that says so has been logged.
    """
    _calm_collector()
    try:
        uvloop.run(_run(main, stop_timeout_seconds))
    except Refused as error:
        log.error("refused", reason=str(error))  # noqa: TRY400 - it is a sentence for an operator, a traceback tells no more
        raise SystemExit(2) from None
    except Exception as error:
        log.exception("process_failed", reason=str(error) or type(error).__name__)
        raise SystemExit(1) from error


def _calm_collector() -> None:
    # What was imported lives as long as the process, and a request makes little garbage in cycles: looking for it after
    # every 700 allocations took a tenth of the API's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _run(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]], stop_timeout_seconds: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, _on_signal, signum, stop, stop_timeout_seconds)
    await main(stop)


def _on_signal(signum: int, stop: asyncio.Event, timeout_seconds: float) -> None:
    if stop.is_set():
        os._exit(128 + signum)  # waiting for anything is what the second signal is meant to end
    log.info("stop_requested", signal=signal.Signals(signum).name)
    stop.set()
    asyncio.get_running_loop().call_later(timeout_seconds, _end_overdue, timeout_seconds)


def _end_overdue(seconds: float) -> None:
    log.error("stop_overdue", seconds=seconds, reason="something hangs; the process ends without it")
    asyncio.get_running_loop().call_soon(os._exit, 1)  # the line gets out first, at the end of this turn
