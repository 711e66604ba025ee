"""
How Postgres runs where we are root, which it refuses.

First choice: a user namespace in which root's id is called something else. Files keep their owner, no directory needs
to be opened for anybody, and the same data directory works for any user later. Where that is forbidden (a container
without the right to make namespaces): the user `nobody` owns the data directory, and the process keeps one capability,
to pass through closed directories on the way there.
"""

import os
import pwd
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Literal

Identity = Literal["same", "namespace", "nobody"]

SHIM = Path(__file__).with_name("child.py")


def shim_command(identity: Identity, death_signal: int, command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that becomes `command`, tied to this process and not root."""
    return (
        sys.executable, "-I", "-S", str(SHIM), str(os.getpid()), str(int(death_signal)), identity, "--", *command
    )  # fmt: skip


@cache
def unprivileged_identity() -> Identity:
    """Return the identity under which a server runs that refuses root."""
    if os.geteuid() != 0:
        return "same"
    if sys.platform == "linux":
        trial = shim_command("namespace", 9, ("/bin/sh", "-c", 'test "$(id -u)" != 0'))
        if subprocess.run(trial, capture_output=True, check=False, timeout=10).returncode == 0:  # noqa: S603 -- constants
            return "namespace"
    return "nobody"


def hand_over(directory: Path, identity: Identity) -> None:
    """Give the directory and all in it to whom the server runs as."""
    wanted = pwd.getpwnam("nobody") if identity == "nobody" else None
    user, group = (wanted.pw_uid, wanted.pw_gid) if wanted else (os.geteuid(), os.getegid())
    if directory.stat().st_uid == user:
        return
    for parent, _, files in os.walk(directory, topdown=False):
        for name in files:
            os.chown(Path(parent) / name, user, group)
        os.chown(parent, user, group)
