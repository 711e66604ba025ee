"""Reading a request's body: how much, of what type, for how long."""

import asyncio
from collections.abc import Sequence

from aiohttp import HttpVersion10
from aiohttp.web import BaseRequest
from aiohttp.web_protocol import RequestPayloadError
from multidict import CIMultiDictProxy

from patchbay.api.connection import Connection
from patchbay.api.errors import BodyTooLarge, InvalidRequest, MalformedHttp, UnsupportedMediaType
from patchbay.api.guarding import Limits, count_closed
from patchbay.assistants.errors import Issue, MalformedJson
from patchbay.assistants.json_body import decode_object

BODY_BYTES = 256 * 1024
# Who sends a body more slowly than this has `Limits.body_seconds` for all of it: honest clients send it with the head.
BODY_BYTES_PER_SECOND = 16 * 1024
_DEFAULT_LIMITS = Limits()

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
    connection = request.protocol
    if not isinstance(connection, Connection):
        return await _gather(request, _DEFAULT_LIMITS)
    connection.is_reading_body = True
    try:
        return await _gather(request, connection.limits)
    finally:
        connection.is_reading_body = False
        connection.body_ended_at = asyncio.get_running_loop().time()


async def _gather(request: BaseRequest, limits: Limits) -> bytes:
    body = bytearray()
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(began + limits.body_seconds) as patience:
            while not request.content.at_eof():
                body += await request.content.readany()
                if len(body) > BODY_BYTES:
                    raise BodyTooLarge(BODY_BYTES)
                patience.reschedule(began + limits.body_seconds + len(body) / BODY_BYTES_PER_SECOND)
    except ConnectionError:  # an OSError, but none of the database's
        message = "the client went away before the body's end"
        raise InvalidRequest([Issue(path="", code="incomplete_body", message=message)]) from None
    except TimeoutError:
        count_closed("body")
        message = f"the body did not come to its end in time: {len(body)} bytes came"
        raise InvalidRequest([Issue(path="", code="incomplete_body", message=message)]) from None
    except RequestPayloadError:
        raise MalformedHttp from None
    return bytes(body)


def check_framing(request: BaseRequest) -> None:
    """
    Refuse a body whose end another reader of the same bytes could see elsewhere.

    Raises:
        MalformedHttp: Chunked by an old client, which knows no chunks, or encoded besides.

    Source: RFC 9112, 6.1 and 11.2. The rest, such as both a length and chunks, aiohttp's parser refuses.
    """
    encodings = request.headers.getall("Transfer-Encoding", ())
    if encodings and (request.version == HttpVersion10 or [each.strip().lower() for each in encodings] != ["chunked"]):
        raise MalformedHttp
