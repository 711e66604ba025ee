"""Health over HTTP: alive, ready, and the numbers behind it; imported by who serves it, since commands do not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from patchbay.process.health import Health
from patchbay.process.metrics import CONTENT_TYPE, render_metrics


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


def _answer(claim: str, faults: dict[str, str]) -> web.Response:
    return web.json_response({claim: not faults, "faults": faults}, status=503 if faults else 200)
