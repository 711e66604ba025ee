"""Work of many partitions, shared out among processes."""

import asyncio
import io
import os
import signal
import threading
from pathlib import Path

import msgspec
import pytest
from tests.servers import eventually
from tests.unit.audit.exports import PARTITIONS, compressed, eventful_log, export, lines_of

from patchbay.audit import Audit, Damaged, read_manifest, verify_export
from patchbay.cli.audit.progressing import Progress
from patchbay.cli.audit.sharing import ProcessDied, Report, share_out, share_out_beside
from patchbay.cli.audit.verifying import ExportPart


class Standing(msgspec.Struct, frozen=True):
    """Work without an end, which says by a file that it has begun."""

    sign: Path
    dies: bool = False

    def run(self, report: Report) -> int:
        """Do it."""
        report(1)
        self.sign.write_text(str(os.getpid()))
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()
        return 0


def progress() -> Progress:
    return Progress("sharing", 1, stream=io.StringIO())


def parts_of(folder: Path) -> list[ExportPart]:
    return [ExportPart(folder, partition, (), None, None) for partition in range(PARTITIONS)]


def test_processes_come_to_the_same_as_one(tmp_path: Path) -> None:
    """Heads, trails, counts and findings."""
    export(eventful_log(), tmp_path)
    manifest, alone = verify_export(tmp_path)
    together = Audit(manifest.identity)
    for partition, (its, _) in enumerate(share_out(parts_of(tmp_path), progress(), records=0, processes=2)):
        together.absorb(its.audit, partition)

    assert list(together.heads()) == list(alone.heads())
    assert (together.trails, together.next_offsets) == (alone.trails, alone.next_offsets)
    assert (together.counts, together.foreign) == (alone.counts, alone.foreign)
    assert together.findings == alone.findings
    assert together.stopped() == alone.stopped() != {}


def test_of_several_damages_the_first_is_named_as_one_process_names_it(tmp_path: Path) -> None:
    """With its line, whichever process is faster."""
    export(eventful_log(), tmp_path)
    for part in read_manifest(tmp_path).files:
        if part.partition and part.first_offset == 0:
            path = tmp_path / part.name
            path.write_bytes(compressed([line.replace(b"logkind", b"logkinD", 1) for line in lines_of(path)]))
    with pytest.raises(Damaged) as alone:
        verify_export(tmp_path)
    with pytest.raises(Damaged) as together:
        share_out(parts_of(tmp_path), progress(), records=0, processes=3)

    assert str(together.value) == str(alone.value)
    assert (together.value.file, together.value.line) == (alone.value.file, alone.value.line)


def test_a_process_that_is_killed_is_told_of_and_the_others_end(tmp_path: Path) -> None:
    works = [Standing(tmp_path / "dying", dies=True), Standing(tmp_path / "standing")]

    with pytest.raises(ProcessDied, match="exit code -9"):
        share_out(works, progress(), records=0, processes=2)
    assert_ended(tmp_path / "standing")


async def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    """As the event loop knows it: the task is cancelled."""
    sign = tmp_path / "standing"
    task = asyncio.create_task(share_out_beside([Standing(sign)], progress(), records=10**6))
    await eventually(sign.exists, 60.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await eventually(lambda: not Path(f"/proc/{sign.read_text()}").exists(), 30.0)


def assert_ended(sign: Path) -> None:
    assert not sign.exists() or not Path(f"/proc/{sign.read_text()}").exists()
