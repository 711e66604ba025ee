"""Every request's way: route, key, scope, limit, handler, answer, one line in the log."""

import asyncio
from collections.abc import Iterable
from itertools import chain
from time import perf_counter, time
from typing import Final

import structlog
from aiohttp.web import BaseRequest, StreamResponse
from msgspec.structs import replace
from prometheus_client import Counter, Histogram

from patchbay.api.backend import Backend
from patchbay.api.bodies import check_framing
from patchbay.api.commanding import token_of
from patchbay.api.connection import Connection
from patchbay.api.dry_runs import is_dry_run
from patchbay.api.errors import InvalidRequest, OperatorsOnly, Overdue, TooManyRequests, WriteOverdue
from patchbay.api.exchange import Exchange, parse_query
from patchbay.api.failures import answer_failure, unsettled
from patchbay.api.handlers import (
    accounts,
    assistant_lifecycle,
    assistant_lists,
    assistants,
    audit,
    catalogue,
    commands,
    declaring,
    documentation,
    events,
    health,
    keys,
    number_history,
    own_account,
    phone_numbers,
    routing,
    telephony,
    versions,
)
from patchbay.api.limits.rate_limits import fields as rate_fields
from patchbay.api.minting import name_request
from patchbay.api.routes import UNROUTED, Route, RouteTable
from patchbay.api.streaming import StreamingResponse
from patchbay.api.tokens import MalformedToken, TokenOfAnotherLog
from patchbay.api.wire import Answer, WireResponse
from patchbay.api.writing.outcomes import Unsettled
from patchbay.assistants.errors import Issue
from patchbay.process import log_frequent
from patchbay.process.metrics import request_seconds, requests

_log = structlog.get_logger()

ROUTES: Final = tuple(
    chain(
        assistants.ROUTES,
        versions.ROUTES,
        assistant_lifecycle.ROUTES,
        telephony.ROUTES,
        declaring.ROUTES,
        assistant_lists.ROUTES,
        catalogue.ROUTES,
        phone_numbers.ROUTES,
        number_history.ROUTES,
        audit.ROUTES,
        accounts.ROUTES,
        own_account.ROUTES,
        keys.ROUTES,
        commands.ROUTES,
        routing.ROUTES,
        events.ROUTES,
        documentation.ROUTES,
        health.ROUTES,
    )
)
_SERVER_ERROR: Final = 500


class Application:
    """Answers requests. Made for `aiohttp.web.Server`: none of aiohttp's routers and middlewares is in the way."""

    def __init__(self, backend: Backend, routes: Iterable[Route] = ROUTES) -> None:
        self._backend = backend
        self._table = RouteTable(routes)
        self._metrics: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def handle(self, request: BaseRequest) -> StreamResponse:
        """Answer one request, whatever happens; a client that hangs up cancels nothing."""
        started = perf_counter()
        now = asyncio.get_running_loop().time()
        request_id = name_request(request.headers.get("Request-Id"))
        url = request.rel_url
        exchange = Exchange(request, self._backend, url.raw_path, now + self._backend.write_seconds)
        connection: Connection = request.protocol  # type: ignore[assignment] # `serve` makes no others
        connection.handler = asyncio.current_task()
        try:
            answer = await self._answer(exchange, url.raw_query_string, now)
        except Unsettled as error:
            answer = unsettled(error, token_of(exchange, error))
        except asyncio.CancelledError:
            if not connection.is_handler_overdue():
                raise
            answer = answer_failure(WriteOverdue() if exchange.route.is_write else Overdue())
        except Exception as error:  # noqa: BLE001 - every failure is an answer; the unforeseen ones are logged
            answer = answer_failure(error, exchange.failure_facts)
            if answer.status == _SERVER_ERROR:
                _log.error("request_failed", request_id=request_id, route=exchange.route.path, exc_info=True)
        finally:
            connection.handler = None
        self._record(exchange, request_id, answer, perf_counter() - started)
        if answer.stream is not None:
            return StreamingResponse(request, answer, answer.stream, request_id, exchange.rate_fields)
        if self._backend.health.stopping:
            answer = replace(answer, closes=True)  # the client's next request is for another copy
        return WireResponse(request, answer, request_id, exchange.rate_fields)

    async def _answer(self, exchange: Exchange, query: str, now: float) -> Answer:
        request = exchange.request
        if request.protocol.is_chunked:  # type: ignore[attr-defined] # see `handle`
            check_framing(request)
        route, exchange.arguments = self._table.find(request.method, exchange.path)
        exchange.route = route
        if not route.public:
            await self._admit(exchange, route, now)
        if query:
            exchange.query = parse_query(query, route.known_query)
            exchange.is_dry_run = is_dry_run(exchange.query)
        if not route.is_write and "Patchbay-After" in request.headers:
            await self._wait_for_position(exchange, route, now)
        return await route.handler(exchange)

    async def _admit(self, exchange: Exchange, route: Route, now: float) -> None:
        """Find out who asks, and whether that may be. Only who is known is counted against a limit."""
        backend = self._backend
        principal = await backend.key_ring.principal_of(exchange.request.headers.get("Authorization"), now)
        exchange.principal = principal
        limit = principal.requests_per_hour
        if limit is None:
            backend.rate_limits.touch(principal.key_id, time())
        else:
            try:
                exchange.rate_fields = backend.rate_limits.take(principal.key_id, limit, time())
            except TooManyRequests as error:
                exchange.rate_fields = rate_fields(limit, 0, error.retry_after_seconds)
                raise
        if route.operators_only and not principal.is_operator:
            raise OperatorsOnly
        principal.demand(route.scope)

    async def _wait_for_position(self, exchange: Exchange, route: Route, now: float) -> None:
        given = ",".join(exchange.request.headers.getall("Patchbay-After"))
        try:
            positions = self._backend.tokens.read_all_positions(given)
        except TokenOfAnotherLog:
            message = "is a position of another log"
            raise InvalidRequest([Issue(path="Patchbay-After", code="other_log", message=message)]) from None
        except MalformedToken:
            message = "is not a Patchbay-Position that was given out here"
            raise InvalidRequest([Issue(path="Patchbay-After", code="malformed", message=message)]) from None
        deadline = now + self._backend.after_seconds
        await self._backend.positions.wait_for(positions, route.projections, deadline)

    def _record(self, exchange: Exchange, request_id: str, answer: Answer, seconds: float) -> None:
        status = answer.status
        method, route = exchange.request.method, exchange.route
        key = (method, route.path, status)
        metrics = self._metrics.get(key)
        if metrics is None:
            if route is UNROUTED:
                method = UNROUTED.path  # a method that somebody made up makes no series
            metrics = requests.labels(method, route.path, str(status)), request_seconds.labels(method, route.path)
            if route is not UNROUTED:
                self._metrics[key] = metrics
        metrics[0].inc()
        metrics[1].observe(seconds)
        facts: dict[str, object] = {
            "method": method,
            "route": route.path,
            "status": status,
            "ms": round(seconds * 1000, 2),
            "request_id": request_id,
            "key_id": exchange.principal.key_id,
        }
        if answer.code:
            facts["code"] = answer.code
        log_frequent("warning" if status >= _SERVER_ERROR else "info" if route.is_write else "debug", "request", facts)
