"""`patchbay up --from --until`: all of Patchbay, running on what an export holds up to a moment."""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.integration.audit.adverse import log_of
from tests.integration.audit.ordinary import ordinary_log
from tests.system.up import Up, up_on

from patchbay.audit import Verification
from patchbay.cli.audit.comparing import compare
from patchbay.cli.audit.exporting import export
from patchbay.cli.audit.verifying import verify_log
from patchbay.eventlog import Envelope, Foreign, StoredRecord, Verdict

Heads = dict[str, tuple[int, str]]


def accepted_in(folder: Path) -> list[Envelope]:
    """Return the accepted events of an export, by time."""
    found: list[Envelope] = []

    def keep(_record: StoredRecord, content: Envelope | Foreign, verdict: Verdict) -> None:
        if verdict is Verdict.ACCEPTED and isinstance(content, Envelope):
            found.append(content)

    Verification(folder).run(keep)
    return sorted(found, key=lambda each: each.time)


def read(up: Up, path: str) -> Any:
    """Read something of the copy, as an operator."""
    key = (up.directory / "operator.key").read_text().strip()
    request = Request(f"{up.endpoints['api']}{path}", headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - ours
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - see above
        return json.load(answer)


async def test_a_copy_of_the_past_runs_and_is_what_was(
    kafka: str, database_url: str, topic: str, tmp_path: Path
) -> None:
    """Up to and with a moment: the heads, the tables and what is read are those of then, and nothing is added."""
    await ordinary_log(kafka, topic)
    async with log_of(kafka, topic) as log:
        await export(log, tmp_path / "backup", account=None)
    events = accepted_in(tmp_path / "backup")
    until = events[len(events) // 8].time  # not all accounts are open by then
    then: Heads = {each.stream: (each.height, each.digest) for each in events if each.time <= until}
    copied = f"{topic}.copy"
    environ = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "DATABASE_URL": database_url, "TOPIC": copied}
    options = ["--from", str(tmp_path / "backup"), "--until", until]
    with up_on(tmp_path / "data", environ, options) as up:
        await up.start()
        accounts = read(up, "/api/accounts?limit=200")["accounts"]
        async with log_of(kafka, copied) as log:
            checked = await verify_log(log, anchor=None, account=None, known=())
            differences = await compare(log, database_url)
        assert await up.interrupt() == 0
        up.options = [*options[:-1], events[-1].time]
        up.start_unready()
        refused = (await up.ended(), up.output)
        up.options = []
        await up.start()  # it stays a copy: nothing is opened in it
        again = read(up, "/api/accounts?limit=200")["accounts"]
        assert "account_slug" not in up.endpoints
        assert await up.interrupt() == 0

    assert 0 < len(then) < len({each.stream for each in events})
    assert {head.stream: (head.height, head.digest) for head in checked.audit.heads()} == then
    assert checked.faults == []
    assert differences == []
    assert {each["id"] for each in accounts} == {stream for stream in then if stream.startswith("acct_")}
    assert again == accounts
    assert f"as of {until}" in up.output
    assert refused[0] == 2
    assert f"as of {until}: choose another one" in refused[1]


def test_what_cannot_be_copied_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """No export, a moment without one, a directory that holds something else."""
    for options, told in (
        (["--from", str(tmp_path)], "is no export"),
        (["--until", "2026-11-23"], "name the export"),
        (["--from", str(tmp_path), "--until", "soon"], "'soon' is no time"),
    ):
        with up_on(tmp_path / "data", options=options) as up:
            ended = subprocess.run(up.command(), capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - ours

            assert ended.returncode == 2
            assert told in ended.stderr
            assert not up.directory.exists()
