"""An API that answers as it was told to, and remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

KEY = "tk_live_operators"


class Seen(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: Any


class Scripted(NamedTuple):
    """An answer to give."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = ()


class ScriptedApi:
    """What a test tells the API to answer, in order, and what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Scripted] = []
        self.seen: list[Seen] = []

    def answer(self, body: Any, status: int = 200, *headers: tuple[str, str]) -> None:
        self.answers.append(Scripted(status, body, headers))

    @property
    def environ(self) -> dict[str, str]:
        return {"PATCHBAY_API": self.url, "PATCHBAY_OPERATOR_KEY": KEY}


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """Run such an API on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            api.seen.append(Seen(self.command, self.path, headers, json.loads(content) if content else None))
            given = api.answers.pop(0)
            body = given.body if isinstance(given.body, bytes) else json.dumps(given.body).encode()
            self.send_response(given.status)
            for name, value in given.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the server looks for these names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api = ScriptedApi(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
