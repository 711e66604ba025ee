"""GET /api/catalogue: what a request may name, and how much of it."""

import hashlib
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from patchbay.api.answers import encode
from patchbay.api.conditional import field, none_match_tag
from patchbay.api.exchange import Exchange
from patchbay.api.published_catalogue import publish_catalogue
from patchbay.api.routes import Route
from patchbay.api.wire import Answer
from patchbay.assistants.catalogue import shipped_catalogue


async def read(exchange: Exchange) -> Answer:
    """GET /api/catalogue."""
    body, etag = _render(datetime.now(UTC).date())
    fields = f"ETag: {etag}\r\n"
    if not none_match_tag(field(exchange.request.headers, "If-None-Match"), etag):
        return Answer(status=304, body=b"", fields=fields)
    return Answer(body=body, fields=fields)


@lru_cache(maxsize=1)  # it changes with the day
def _render(today: date) -> tuple[bytes, str]:
    body = encode({"success": True, "catalogue": publish_catalogue(shipped_catalogue(), today)})
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


ROUTES: Final = (Route(method="GET", path="/api/catalogue", handler=read),)
