"""Calls of the API: one exchange at a time, writes repeated safely until their outcome is known."""

import http.client
import time
from collections.abc import Iterator, Mapping
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from patchbay.cli.errors import BadUsage, Refused, Unreachable, Unsettled
from patchbay.cli.whereabouts import ApiAccess

TIMEOUT_SECONDS: Final = 15.0  # of one exchange; the API answers within 10 s, come what may
PATIENCE_SECONDS: Final = 20.0  # from the first try of a write to giving up
PAGE_RECORDS: Final = 200
_PAUSE_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.2

Body = dict[str, Any]

_HINTS: Final = {
    "unauthorized": "The key is not known there: if Patchbay was set up anew, use the operator key that it has now",
    "unavailable": "Try again in a moment",
    "contended": "Send it again",
}


class Answer(msgspec.Struct, frozen=True):
    """What the API answered, and what it had been asked."""

    status: int
    reason: str
    headers: Mapping[str, str]  # names in lower case
    content: bytes

    @property
    def body(self) -> Body:
        """
        The JSON object that the answer is.

        Raises:
            Unreachable: It is something else, so this is not the API.
        """
        try:
            return msgspec.json.decode(self.content, type=Body)
        except msgspec.DecodeError:
            raise Unreachable(
                f"What answered (status {self.status}) is not Patchbay's API: check the address."
            ) from None


class Api:
    """The API, asked with one key."""

    def __init__(self, access: ApiAccess) -> None:
        """
        Take note of the address; nothing is opened.

        Raises:
            BadUsage: The address is none.
        """
        parts = urlsplit(access.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadUsage(f"{access.url!r} is not the address of an API: it looks like http://127.0.0.1:8080.")
        self._key = access.key
        self._host, self._port = parts.hostname, parts.port
        self._is_secure = parts.scheme == "https"
        self._prefix = parts.path.rstrip("/")
        self.url = access.url.rstrip("/")

    def call(
        self, method: str, path: str, body: Body | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """
        Make one exchange and return its answer, whatever its status.

        Raises:
            Unreachable: There was no answer; a write may have taken effect.
        """
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=TIMEOUT_SECONDS)
        authorization = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        sent = {**authorization, "Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, self._prefix + path, None if body is None else msgspec.json.encode(body), sent)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(
                f"Nothing answers at {self.url} ({reason}): is Patchbay running? `make run` starts it."
            ) from None
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, response.reason, named, content)

    def read(self, path: str, query: Mapping[str, str | int] | None = None) -> Body:
        """
        Return the body of a GET.

        Raises:
            Refused: The API said no.
            Unreachable: It did not answer.
        """
        answer = self.call("GET", f"{path}?{urlencode(query)}" if query else path)
        return _accepted(answer)

    def pages(self, path: str, member: str, query: Mapping[str, str | int] | None = None) -> Iterator[Body]:
        """
        Yield every record of a list.

        Raises:
            Refused: The API said no.
            Unreachable: It did not answer.
        """
        asked = {**(query or {}), "limit": PAGE_RECORDS}
        while True:
            body = self.read(path, asked)
            yield from body[member]
            if not body["next_cursor"]:
                return
            asked["cursor"] = body["next_cursor"]

    def write(self, method: str, path: str, body: Body | None = None) -> Body:
        """
        Carry out a write and return its answer's body.

        Repeated under one Idempotency-Key while its outcome is unknown, so it takes effect once or not at all.

        Raises:
            Refused: The API said no; nothing took effect.
            Unreachable: It did not answer at the first try; nothing was sent, or nobody will know.
            Unsettled: Nobody knew what became of it when the patience was at its end.
        """
        headers = {"Idempotency-Key": token_hex(16)}
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        answer = self.call(method, path, body, headers)
        while time.monotonic() < give_up_at:
            if answer.status == http.client.ACCEPTED:
                result = self._result(answer, give_up_at)
                if result is not None:
                    return result
            elif answer.status != http.client.SERVICE_UNAVAILABLE or answer.body.get("code") == "quarantined":
                return _accepted(answer)
            time.sleep(_PAUSE_SECONDS)
            answer = self.call(method, path, body, headers)
        if answer.status == http.client.SERVICE_UNAVAILABLE and answer.body.get("code") == "outcome_unknown":
            raise Unsettled(f"It may still take effect: {_where(answer)}.")
        return _accepted(answer)

    def _result(self, pending: Answer, give_up_at: float) -> Body | None:
        """Return the answer that a write in the log gets once it is visible; None if the rest of it is to be sent."""
        while time.monotonic() < give_up_at:
            command = self.read(pending.headers["location"])["command"]
            if command["status"] == "accepted" and command.get("result") is not None:
                result: Body = command["result"]
                return result
            if command["status"] == "void":
                return None
            time.sleep(_POLL_SECONDS)
        raise Unsettled(f"It is in the log, but not visible yet: {_where(pending)}.")


def segment(text: str) -> str:
    """Return `text` as one segment of a path."""
    return quote(text, safe="")


def _where(answer: Answer) -> str:
    return f"GET {answer.headers.get('location', 'the list')} tells what became of it"


def _accepted(answer: Answer) -> Body:
    """
    Return the body of a success.

    Raises:
        Refused: It is none.
    """
    body = answer.body
    if body.get("success") is True:
        return body
    raise refused(answer.status, body)


def refused(status: int, body: Body) -> Refused:
    """Return what the API said no with as one sentence, with every issue and what to do."""
    code = str(body.get("code", "failed"))
    sentence = str(body.get("error", f"The API answered with status {status}.")).rstrip(".")
    issues = [
        f"{issue.get('path') or 'body'}: {issue.get('message', '')}".rstrip(".") for issue in body.get("issues", [])
    ]
    what = "; ".join(issues) or sentence[:1].upper() + sentence[1:]
    hint = f" {_HINTS[code]}." if code in _HINTS else ""
    return Refused(f"{what}.{hint}", status=status, code=code)
