"""/api/openapi.json and /api/docs: what the API is, for programs and for people."""

from typing import Final

from patchbay.api.conditional import field, none_match_tag
from patchbay.api.description.published import Document
from patchbay.api.exchange import Exchange
from patchbay.api.routes import Route
from patchbay.api.wire import JSON, Answer

HTML: Final = "text/html; charset=utf-8"


async def read(exchange: Exchange) -> Answer:
    """GET /api/openapi.json."""
    return _answer(exchange, exchange.backend.published.openapi, JSON)


async def show(exchange: Exchange) -> Answer:
    """GET /api/docs."""
    published = exchange.backend.published
    fields = f"Content-Security-Policy: {published.page_policy}\r\nReferrer-Policy: no-referrer\r\n"
    return _answer(exchange, published.page, HTML, fields)


def _answer(exchange: Exchange, document: Document, content_type: str, fields: str = "") -> Answer:
    etag = f"ETag: {document.etag}\r\n"
    if not none_match_tag(field(exchange.request.headers, "If-None-Match"), document.etag):
        return Answer(status=304, body=b"", fields=etag)
    return Answer(body=document.body, fields=etag + fields, content_type=content_type)


ROUTES: Final = (
    Route(method="GET", path="/api/openapi.json", handler=read, public=True),
    Route(method="GET", path="/api/docs", handler=show, public=True),
)
