"""Toxiproxy between all processes: each link has a name, and can be cut, slowed down or reset in either direction."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from tests.chaos.programs import toxiproxy

from patchbay.embedded import Launch, free_port, running

Direction = Literal["upstream", "downstream"]  # requests, answers

_ANSWER_SECONDS: Final = 10.0


class Proxies:
    """The links of a run."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.links: set[str] = set()

    def front(self, source: str, target: str, port: int) -> int:
        """Open the link `source>target` to this port; return where it is reached. Blocks for a moment."""
        link = f"{source}>{target}"
        new = {"name": link, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{port}", "enabled": True}
        opened = self._ask("POST", "/proxies", new)
        self.links.add(link)
        return int(opened["listen"].rsplit(":", 1)[1])

    def of(self, source: str, target: str = "") -> list[str]:
        """Return the links from `source` to whatever begins with `target`."""
        return sorted(link for link in self.links if link.startswith(f"{source}>{target}"))

    async def poison(self, link: str, toxic: str, direction: Direction, attributes: Mapping[str, int]) -> None:
        """Add a toxic to what flows in this direction; for those that are connected now, too."""
        body = {"name": f"{toxic}-{direction}", "type": toxic, "stream": direction, "attributes": attributes}
        await asyncio.to_thread(self._ask, "POST", f"/proxies/{quote(link)}/toxics", body)

    async def heal(self, link: str, toxic: str, direction: Direction) -> None:
        """Take the toxic away again."""
        await asyncio.to_thread(self._ask, "DELETE", f"/proxies/{quote(link)}/toxics/{toxic}-{direction}", None)

    def answers(self) -> bool:
        """True if Toxiproxy takes orders."""
        with suppress(OSError):
            self._ask("GET", "/proxies", None)
            return True
        return False

    def _ask(self, method: str, path: str, body: object) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}", content, {"User-Agent": "patchbay-chaos"}, method=method
        )
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read() or b"null")


@asynccontextmanager
async def run_proxies(directory: Path, *, seed: int) -> AsyncIterator[Proxies]:
    """Run a Toxiproxy without links."""
    port = free_port()
    proxies = Proxies(port)

    async def answers() -> bool:
        return await asyncio.to_thread(proxies.answers)

    launch = Launch(
        name="toxiproxy",
        command=(str(toxiproxy()), "-host", "127.0.0.1", "-port", str(port), "-seed", str(seed)),
        environ={"LOG_LEVEL": "error"},
        log_path=directory / "toxiproxy.log",
        probe=answers,
    )
    async with running(launch):
        yield proxies
