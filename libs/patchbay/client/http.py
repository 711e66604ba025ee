"""One exchange over HTTP: what was sent, and what came back, with a bound to everything."""

import asyncio
import ssl
from typing import Final
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from patchbay.client.exchanging import ExchangeFailed, Reply, Request

MOST_ANSWER_BYTES: Final = 64 * 1024 * 1024  # above the longest page of a list
_CONNECT_SECONDS: Final = 5.0
_FORGIVEN: Final = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


class Transport:
    """Connections to one API, with one key. The key goes to no other address: redirections are not followed."""

    def __init__(self, url: str, key: str) -> None:
        """`url` without a slash at its end."""
        self._url = url
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # nothing compressed was asked for: what comes so is no answer of ours
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def exchange(self, request: Request, seconds: float) -> Reply:
        """
        Return the answer, whatever its status.

        Raises:
            ExchangeFailed: There was none within `seconds`.
        """
        bounds = aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS)
        answer = await self._open(request, bounds)
        try:
            return await answer.whole()
        finally:
            answer.release()

    async def open(self, request: Request, seconds: float) -> "OpenAnswer":
        """
        Return an answer whose body does not end, to be closed; each piece of it has to come within `seconds`.

        Raises:
            ExchangeFailed: There was none.
        """
        bounds = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=seconds)
        return await self._open(request, bounds)

    async def _open(self, request: Request, bounds: aiohttp.ClientTimeout) -> "OpenAnswer":
        headers = dict(request.headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = await self._session.request(
                request.method,
                URL(self._url + _target(request), encoded=True),
                data=request.body,
                headers=headers,
                allow_redirects=False,
                timeout=bounds,
            )
        except (ssl.SSLError, aiohttp.ClientSSLError) as error:
            raise ExchangeFailed(_reason(error), was_sent=False, is_final=True) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise ExchangeFailed(_reason(error), was_sent=False) from error
        except _FORGIVEN as error:
            raise ExchangeFailed(_reason(error), was_sent=True) from error
        return OpenAnswer(response)


class OpenAnswer:
    """An answer whose body is still to be read."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status

    async def piece(self) -> bytes:
        """
        Return what comes next of the body; nothing at its end.

        Raises:
            ExchangeFailed: It broke off, or nothing came for too long.
        """
        try:
            return await self._response.content.readany()
        except _FORGIVEN as error:
            raise ExchangeFailed(_reason(error), was_sent=True) from error

    async def whole(self) -> Reply:
        """
        Return the answer with its whole body.

        Raises:
            ExchangeFailed: It broke off, or is longer than any answer of ours.
        """
        received = bytearray()
        while piece := await self.piece():
            received += piece
            if len(received) > MOST_ANSWER_BYTES:
                reason = f"the answer has more than {MOST_ANSWER_BYTES:,} bytes"
                raise ExchangeFailed(reason, was_sent=True, is_final=True)
        return Reply(self.status, headers_of(self._response), bytes(received))

    def release(self) -> None:
        """Give the connection back where the body was read to its end, else close it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


def headers_of(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the header fields by their names in lower case; of one that is given twice, both."""
    found: dict[str, str] = {}
    for name, value in response.headers.items():
        folded = name.lower()
        found[folded] = f"{found[folded]}, {value}" if folded in found else value
    return found


def _target(request: Request) -> str:
    return f"{request.path}?{urlencode(request.query)}" if request.query else request.path


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
