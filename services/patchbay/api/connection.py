"""One connection to a client, as aiohttp drives it: what is not HTTP is answered in our shape, and its end is told."""

from collections.abc import Callable
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from patchbay.api.errors import MalformedHttp
from patchbay.api.failures import answer_failure
from patchbay.api.minting import mint_request_id
from patchbay.api.wire import WireResponse

_log = structlog.get_logger()


class Connection(RequestHandler):
    """A connection that answers in our shape also to what is not HTTP."""

    when_lost: Callable[[], None] | None = None  # who writes without being asked wants to know that nobody reads

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell who writes."""
        super().connection_lost(exc)
        if self.when_lost is not None:
            self.when_lost()

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
