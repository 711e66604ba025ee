"""What one exchange with the API consists of, whoever carries it out."""

from collections.abc import Mapping

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `path` begins with a slash; a body makes it JSON."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class Reply(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class ExchangeFailed(Exception):
    """There was no answer. `was_sent`: the server may have seen the request; `is_final`: no repetition will help."""

    def __init__(self, reason: str, *, was_sent: bool, is_final: bool = False) -> None:
        super().__init__(reason)
        self.was_sent = was_sent
        self.is_final = is_final
