"""Health over HTTP: alive, ready, and the numbers behind it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from patchbay.process.metrics import CONTENT_TYPE, render_metrics

Check = Callable[[], str | None]  # None: well; else one sentence that says what is wrong


class Health:
    """
    What a process knows of its own health.

    A check is asked at every request: it reads a fact that is there anyway (the last batch's age), and never waits.
    """

    def __init__(self) -> None:
        self.stopping = False  # set when the process begins to drain: it is no longer ready, but alive
        self._readiness: dict[str, Check] = {}
        self._liveness: dict[str, Check] = {}

    def add_readiness(self, name: str, check: Check) -> None:
        """Ask `check` at /readyz: a fault takes the process out of service."""
        self._readiness[name] = check

    def add_liveness(self, name: str, check: Check) -> None:
        """Ask `check` at /livez: a fault has the process ended and started again."""
        self._liveness[name] = check

    def faults(self) -> dict[str, str]:
        """Return what keeps the process from being ready, by the name of the check; empty: it is ready."""
        found = _ask(self._readiness)
        if self.stopping:
            found["process"] = "the process is stopping"
        return found

    def deadly_faults(self) -> dict[str, str]:
        """Return what only a new start can mend, by the name of the check."""
        return _ask(self._liveness)


def health_routes(health: Health) -> list[web.RouteDef]:
    """Return the routes /livez, /readyz (200 or 503, JSON with the faults) and /metrics (Prometheus text)."""

    async def live(_request: web.Request) -> web.Response:
        return _answer("alive", health.deadly_faults())

    async def ready(_request: web.Request) -> web.Response:
        return _answer("ready", health.faults())

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=render_metrics(), headers={"Content-Type": CONTENT_TYPE})

    return [web.get("/livez", live), web.get("/readyz", ready), web.get("/metrics", metrics)]


@asynccontextmanager
async def serve_health(host: str, port: int, health: Health) -> AsyncIterator[int]:
    """
    Serve the health routes alone, for a process that has no HTTP otherwise.

    Returns:
        The port that is listened on; a free one if `port` is 0.

    Raises:
        OSError: The port is in use.
    """
    app = web.Application()
    app.add_routes(health_routes(health))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _ask(checks: dict[str, Check]) -> dict[str, str]:
    found = {}
    for name, check in checks.items():
        fault = check()
        if fault is not None:
            found[name] = fault
    return found


def _answer(claim: str, faults: dict[str, str]) -> web.Response:
    return web.json_response({claim: not faults, "faults": faults}, status=503 if faults else 200)
