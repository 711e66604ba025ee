"""Reading a request's body: how much, of what type, for how long."""

import asyncio
from collections.abc import Sequence

from aiohttp import web
from aiohttp.web import BaseRequest
from multidict import CIMultiDictProxy

from patchbay.api.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from patchbay.assistants.errors import Issue, MalformedJson
from patchbay.assistants.json_body import decode_object

BODY_BYTES = 256 * 1024
BODY_SECONDS = 5.0  # from the head to the body's end; honest clients send both at once

JSON_TYPES = ("application/json",)
PATCH_TYPES = ("application/json", "application/merge-patch+json")


async def read_object(request: BaseRequest, accepted: Sequence[str] = JSON_TYPES) -> dict[str, object]:
    """
    Return the one JSON object that the body is.

    Raises:
        UnsupportedMediaType: Declared as something else, or compressed.
        BodyTooLarge: Over the limit; no more than the limit was read.
        InvalidRequest: It did not come to its end in time, or is not one JSON object that can be trusted.
    """
    _check_type(request.headers, accepted)
    body = await _read(request)
    try:
        return decode_object(body)
    except MalformedJson as error:
        raise InvalidRequest([Issue(path="", code=error.code, message=error.sentence)]) from None


def _check_type(headers: CIMultiDictProxy[str], accepted: Sequence[str]) -> None:
    declared = headers.get("Content-Type")
    if declared != "application/json":
        kind = (declared or "").partition(";")[0].strip().lower()
        if kind not in accepted:
            raise UnsupportedMediaType(f"The body must be declared as {' or '.join(accepted)}.", accepted)
    if headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("A compressed body is not read here.", accepted)


async def _read(request: BaseRequest) -> bytes:
    content = request.content
    length = request.content_length
    if length is not None and length > BODY_BYTES:
        raise BodyTooLarge(BODY_BYTES)
    if content.is_eof() and content.total_bytes <= BODY_BYTES:  # it came with the head, as nearly all do
        return content.read_nowait(-1)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except ConnectionError:  # an OSError, but none of the database's
        message = "the client went away before the body's end"
        raise InvalidRequest([Issue(path="", code="incomplete_body", message=message)]) from None
    except TimeoutError:
        message = f"the body did not come to its end within {BODY_SECONDS:g} s"
        raise InvalidRequest([Issue(path="", code="incomplete_body", message=message)]) from None
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge(BODY_BYTES) from None
