"""Processes are started again when they die, and stopped in order."""

import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from tests.servers import eventually

from patchbay.cli.local import services
from patchbay.cli.local.services import answers_well
from patchbay.cli.local.supervision import Supervisor
from patchbay.embedded import Launch, Running, ServerNotStarted, free_port

STAYS = "import signal; open('{ready}', 'w').close(); signal.pause()"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('{ready}', 'w').close(); signal.pause()"
SERVES = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/livez", "/readyz") else 404)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
ENDS = "import sys; print('no such thing', flush=True); sys.exit(3)"


class Watched:
    """A supervisor, and what it has said and shown."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.pids: dict[str, int] = {}
        self.supervisor = Supervisor(self.said.append, self._on_change, life_look_seconds=0.05)

    def _on_change(self, running: Mapping[str, Running]) -> None:
        self.pids = {name: process.pid for name, process in running.items()}


def launch(name: str, program: str, directory: Path) -> Launch:
    ready = directory / f"{name}.ready"

    async def probe() -> bool:
        return ready.exists()

    return Launch(
        name=name,
        command=(sys.executable, "-c", program.format(ready=ready)),
        environ=os.environ,
        log_path=directory / "logs" / f"{name}.log",
        probe=probe,
        stop_timeout_seconds=0.5,
    )


async def test_a_process_that_dies_is_started_again_and_said_to_be(tmp_path: Path) -> None:
    watched = Watched()
    await watched.supervisor.start([launch("one", STAYS, tmp_path), launch("two", STAYS, tmp_path)])
    before = watched.pids
    os.kill(before["one"], signal.SIGKILL)
    await eventually(lambda: len(watched.said) == 2)
    after = watched.pids
    await watched.supervisor.stop(("one", "two"))

    assert watched.said == [
        "one ended (signal 9); it is started again in 0.5 s",
        f"one is ready again (process {after['one']})",
    ]
    assert after["two"] == before["two"]
    assert watched.pids == {}


async def test_one_that_hangs_is_killed_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there, and its port takes connections; only answers do not come any more."""
    monkeypatch.setattr(services, "_ANSWER_SECONDS", 0.5)
    port = free_port()
    serving = Launch(
        name="hung",
        command=(sys.executable, "-c", SERVES.format(port=port)),
        environ=os.environ,
        log_path=tmp_path / "logs" / "hung.log",
        probe=partial(answers_well, port, "/readyz"),
        alive_probe=partial(answers_well, port, "/livez"),
        stop_timeout_seconds=0.5,
    )
    watched = Watched()
    await watched.supervisor.start([serving])
    before = watched.pids["hung"]
    os.kill(before, signal.SIGSTOP)
    await eventually(lambda: len(watched.said) == 3, 60.0)
    after = watched.pids["hung"]
    await watched.supervisor.stop(("hung",))

    assert after != before
    assert watched.said == [
        "hung hangs: it did not say that it is alive 3 times; it is killed",
        "hung ended (signal 9); it is started again in 0.5 s",
        f"hung is ready again (process {after})",
    ]


async def test_one_that_does_not_stop_in_time_is_killed(tmp_path: Path) -> None:
    watched = Watched()
    await watched.supervisor.start([launch("stubborn", IGNORES, tmp_path)])
    pid = watched.pids["stubborn"]
    await watched.supervisor.stop(("stubborn",))

    assert watched.said == ["stubborn did not stop within 0.5 s and was killed"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_one_that_ends_at_the_first_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    watched = Watched()
    with pytest.raises(ServerNotStarted) as caught:
        await watched.supervisor.start([launch("hasty", ENDS, tmp_path)])
    await watched.supervisor.stop(("hasty",))

    assert str(caught.value) == (
        'hasty did not start: it ended with exit code 3, saying "no such thing" '
        f"(its log is {tmp_path / 'logs' / 'hasty.log'})."
    )
