"""One connection to a client, as aiohttp drives it: what is not HTTP is answered in our shape, and its end is told."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import msgspec
import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from patchbay.api.errors import MalformedHttp, NoRoom
from patchbay.api.failures import answer_failure
from patchbay.api.guarding import Guard, Limits, count_closed
from patchbay.api.minting import mint_request_id
from patchbay.api.wire import WireResponse, unasked_bytes

if TYPE_CHECKING:
    from aiohttp.web_server import Server

Phase = Literal["refused", "closing", "head", "idle", "body", "request", "answer"]

REFUSED_SECONDS: Final = 1.0  # for the client to take the word that there is no room

_log = structlog.get_logger()


class Connection(RequestHandler):
    """A connection that is looked after: what it does has an end, and aiohttp's own sentences are not heard."""

    def __init__(self, guard: Guard, manager: "Server", **settings: Any) -> None:  # noqa: ANN401 - aiohttp's
        super().__init__(manager, **settings)
        self.peer = ""
        self.when_lost: Callable[[], None] | None = None  # who writes without being asked wants to know
        self.handler: asyncio.Task[Any] | None = None  # who makes an answer now
        self._is_overdue = False  # and was told to end
        self.is_reading_body = False  # with a deadline of its own
        self.is_chunked = False  # the request under way says that its body is
        self.body_ended_at = 0.0  # of the last body that came after its head
        self._guard = guard
        self._wire: asyncio.Transport | None = None  # aiohttp forgets its own when it closes, sent or not
        self._is_refused = False
        self._has_begun = False  # a head of which some bytes have come
        self._seen: tuple[Phase, int] = ("head", 0)  # what the last look saw, and since when it has been so
        self._since = self._loop.time()
        self._unsent_bytes = 0
        self._unread_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take it, or say that there is no room."""
        self._wire = wire = cast("asyncio.Transport", transport)  # it serves TCP alone
        self.peer = self._guard.peer_of((wire.get_extra_info("peername") or ("",))[0])
        if self._guard.admit(self, self._loop.time()):
            super().connection_made(transport)
            return
        self._is_refused = self._force_close = True  # what it sends is not read
        if self._guard.refuse(self):
            wire.write(unasked_bytes(answer_failure(NoRoom()), mint_request_id()))
            if wire.can_write_eof():
                wire.write_eof()  # closing at once would reset it, and the word be lost
            else:
                wire.close()  # of TLS: it sends what it has first
        else:
            wire.abort()

    def data_received(self, data: bytes) -> None:
        """Note whether a head has begun."""
        requests = self._request_count
        # Who waits for a request and has been told of one waits no longer, though the task has not gone on yet.
        is_of_head = (self._waiter is not None and not self._waiter.done()) or not self._awaits_body()
        RequestHandler.data_received(self, data)  # `super()` takes twice as long
        if requests != self._request_count:
            self._has_begun = False
            if self.is_reading_body:
                self._fail_body()
        elif data:  # without any, aiohttp takes up what it had left to parse
            self._has_begun = is_of_head

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell who writes. A request that has come whole is carried out all the same: aiohttp would drop some."""
        self._guard.forget(self)
        request, task = self._current_request, self._task_handler
        if request is not None and request.content.is_eof():
            self._current_request = None  # else its body could not be read any more
        factory, handler, is_next = self._request_factory, self._request_handler, self._waiter is not None
        super().connection_lost(exc)
        if is_next and self._messages and task is not None:  # come, and not begun
            if self._messages[0][1].is_eof():
                self._request_factory, self._request_handler = factory, handler
            else:
                task.cancel()
        if self.when_lost is not None:
            self.when_lost()

    @property
    def limits(self) -> Limits:
        """What it may take."""
        return self._guard.limits

    def look(self, now: float) -> None:
        """End what has taken too long since it was first seen."""
        if self._wire is None:
            return
        self._look_at_unsent(self._wire, now)
        phase = self._phase()
        seen = phase, self._request_count
        if seen != self._seen:
            self._seen, self._since = seen, now
            return
        seconds, limits = now - self._since, self._guard.limits
        if phase == "head" and seconds > limits.head_seconds:
            self.cut("head")
        elif phase == "idle" and seconds > limits.idle_seconds:
            self.cut("idle")
        elif phase == "request" and seconds > limits.request_seconds:
            self._end_handler()
        elif phase == "refused" and seconds > REFUSED_SECONDS:
            self._wire.abort()
        elif phase == "closing" and seconds > limits.unread_seconds:
            self.cut("unread")

    def is_handler_overdue(self) -> bool:
        """Return whether the handler was cancelled for its time was up; it may go on to answer then."""
        if not self._is_overdue or self.handler is None:
            return False
        self._is_overdue = False
        self.handler.uncancel()
        return True

    def idle_since(self) -> float | None:
        """Return since when it was seen to wait for a request; None: it is not to be disturbed."""
        phase = self._phase()
        return self._since if phase in ("head", "idle") and self._seen == (phase, self._request_count) else None

    def cut(self, reason: str) -> None:
        """End the connection at once, whatever was not sent."""
        if self._wire is not None:
            count_closed(reason)
            self.force_close()
            self._wire.abort()

    def _phase(self) -> Phase:
        if self._is_refused:
            return "refused"
        if self._force_close:
            return "closing"
        if self._waiter is not None and not self._waiter.done():
            return "head" if self._has_begun or not self._request_count else "idle"
        if self.is_reading_body:
            return "body"
        return "request" if self.handler is not None else "answer"

    def _look_at_unsent(self, wire: asyncio.Transport, now: float) -> None:
        unsent_bytes = wire.get_write_buffer_size()
        if unsent_bytes == 0 or unsent_bytes < self._unsent_bytes or self._unsent_bytes == 0:
            self._unread_since = now
        elif now - self._unread_since > self._guard.limits.unread_seconds:
            self.cut("unread")
        self._unsent_bytes = unsent_bytes

    def _awaits_body(self) -> bool:
        if self._messages:
            return not self._messages[-1][1].is_eof()
        return self._current_request is not None and not self._current_request.content.is_eof()

    def _fail_body(self) -> None:
        """Tell who reads a body that its framing is broken: aiohttp's parser tells whoever reads the next request."""
        request = self._current_request
        if request is not None and not request.content.is_eof():
            request.content.set_exception(RequestPayloadError())

    def _end_handler(self) -> None:
        """Have the request answered now; cancelled once, it answers for itself."""
        if self.handler is not None and not self._is_overdue:
            self._is_overdue = True
            count_closed("request")
            self.handler.cancel()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer to what no handler has seen."""
        if status == HTTPStatus.BAD_REQUEST:
            error: Exception = MalformedHttp()
        else:
            _log.error("connection_failed", reason=message or str(exc), exc_info=exc)
            error = RuntimeError(message)
        return WireResponse(request, msgspec.structs.replace(answer_failure(error), closes=True), mint_request_id(), "")
