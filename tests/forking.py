"""
A process that has imported all services and becomes one by each fork, so that no start of a service costs imports.

`tests.forked` runs it as a script and writes to its standard input what to become, a JSON object a line; its standard
output tells which process that is, and later with which code that one has ended. All end with its standard input.
"""

import gc
import importlib
import json
import os
import select
import signal
import sys
from typing import Any

from patchbay.api import minting
from patchbay.embedded.child import PR_SET_PDEATHSIG, call

SERVICES = ("api", "projector", "routing")


def serve() -> str | None:
    """Fork at each request; return the name of the service in the child, and None in the parent at the end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([sys.stdin.fileno(), reading], [], [])
        if reading in ready:
            os.read(reading, 4096)
            _tell_who_ended()
        if sys.stdin.fileno() in ready:
            request = sys.stdin.buffer.readline()  # one at a time: the next is sent when this is answered
            if not request:
                return None
            parent = os.getpid()
            child = os.fork()
            if child == 0:
                return _become(json.loads(request), parent)
            _tell({"started": child})


def _become(wanted: dict[str, Any], parent: int) -> str:
    """Be as a process that was started anew, by the shim of `patchbay.embedded`."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    if sys.platform == "linux":
        call("prctl", PR_SET_PDEATHSIG, wanted["death_signal"], 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent died before its child was tied to it")
    log = os.open(wanted["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, target)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(wanted["environ"])
    importlib.reload(minting)  # each process counts from a number of its own
    sys.argv = [f"patchbay.{wanted['service']}", *wanted["arguments"]]
    return str(wanted["service"])


def _tell_who_ended() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(fact: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    mains = {name: importlib.import_module(f"patchbay.{name}.__main__").main for name in SERVICES}
    gc.collect()
    gc.freeze()  # else the first collection of each child would copy all pages
    service = serve()
    if service is not None:
        mains[service]()
