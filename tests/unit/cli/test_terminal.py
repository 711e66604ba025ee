"""A Ctrl-C at the terminal is for `patchbay up` alone, so that `make run` ends well too."""

import os
import pty
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import signal, threading
from patchbay.cli.local.terminal import terminal_for_us_alone

asked = threading.Event()
signal.signal(signal.SIGINT, lambda *_: asked.set())
with terminal_for_us_alone():
    print("started", flush=True)
    asked.wait(20)
"""


def read_until(terminal: int, wanted: str) -> str:
    shown = ""
    while wanted not in shown:
        shown += os.read(terminal, 1024).decode()
    return shown


def test_whoever_started_it_goes_on_after_a_ctrl_c(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    terminal, inner = pty.openpty()
    name = os.ttyname(inner)
    # The shell leads a session without a terminal: the first one that it opens becomes its own.
    script = f"exec <{name} >{name} 2>&1; {sys.executable} {program}; echo ended with $?; exit 7"
    with subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True) as shell:  # noqa: S603 -- the line above
        read_until(terminal, "started")
        os.write(terminal, b"\x03")

        assert "ended with 0" in read_until(terminal, "ended with 0")
        assert shell.wait(10) == 7
    os.close(inner)
    os.close(terminal)
