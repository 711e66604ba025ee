"""/livez, /readyz and /metrics, on the same listener, without a key."""

from typing import Final

from patchbay.api.answers import encode
from patchbay.api.exchange import Exchange
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.process.metrics import CONTENT_TYPE, render_metrics


async def live(exchange: Exchange) -> Answer:
    """GET /livez."""
    return _answer("alive", exchange.backend.health.deadly_faults())


async def ready(exchange: Exchange) -> Answer:
    """GET /readyz."""
    return _answer("ready", exchange.backend.health.faults())


async def metrics(_exchange: Exchange) -> Answer:
    """GET /metrics."""
    return Answer(body=render_metrics(), content_type=CONTENT_TYPE)


def _answer(claim: str, faults: dict[str, str]) -> Answer:
    return Answer(status=503 if faults else 200, body=encode({claim: not faults, "faults": faults}))


ROUTES: Final = (
    Route(method="GET", path="/livez", handler=live, public=True),
    Route(method="GET", path="/readyz", handler=ready, public=True),
    Route(method="GET", path="/metrics", handler=metrics, public=True),
)
