"""What clients asked and what they were told: one line of JSON per request, in the order of the answers."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import msgspec


class Kind(StrEnum):
    """What a client does."""

    CREATE = "create"
    CHANGE = "change"
    ASSIGN = "assign"
    REGISTER = "register"
    REFUSED = "refused"  # must not be possible, whatever happens
    READ = "read"
    LOOK_UP = "look_up"
    TRESPASS = "trespass"  # asks for what is another account's


READS = frozenset({Kind.READ, Kind.LOOK_UP, Kind.TRESPASS})


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an answer says of an assistant; of a look-up, who answers."""

    assistant: str = ""
    account: str = ""
    version: int = 0
    name: str = ""
    numbers: tuple[str, ...] = ()
    digest: str = ""  # SHA-256 of the record as it was sent


class Call(msgspec.Struct, omit_defaults=True):
    """One request."""

    operation: int  # its tries share it
    client: int
    account: str
    kind: Kind
    api: int
    began: float  # seconds, of one clock
    ended: float = 0.0
    trace: str = ""
    status: int = 0  # 0: there was no answer
    was_reached: bool = True
    code: str = ""
    location: str = ""
    subject: str = ""  # the assistant, or the number, that it is about
    name: str = ""  # asked for
    numbers: tuple[str, ...] = ()  # asked for, by id
    reassign: bool = False
    if_match: int = 0
    has_key: bool = False
    is_after: bool = False  # it named the position of this client's last write
    told: Told | None = None
    settled: str = ""  # what its Location said in the end

    @property
    def left_nothing(self) -> bool:
        """True if its answer promised that it has no effect and never will."""
        return not self.was_reached if not self.status else self.status >= 400 and not self.location

    @property
    def is_definite(self) -> bool:
        """True if its answer said that it is done, or can never be."""
        return self.status == 200 or 400 <= self.status < 500


Operations = dict[int, list[Call]]


class History:
    """All calls of a run, kept on disk too."""

    def __init__(self, file: BinaryIO | None = None) -> None:
        self.calls: list[Call] = []
        self._file = file
        self._operations = 0

    def new_operation(self) -> int:
        """Return a number for an operation."""
        self._operations += 1
        return self._operations

    def add(self, call: Call) -> None:
        """Keep a call that has ended."""
        self.calls.append(call)
        if self._file is not None:
            self._file.write(msgspec.json.encode(call) + b"\n")

    def operations(self) -> Operations:
        """Return the calls by operation, in order."""
        found: defaultdict[int, list[Call]] = defaultdict(list)
        for call in self.calls:
            found[call.operation].append(call)
        return dict(found)

    def by_client(self) -> dict[int, list[Call]]:
        """Return the calls by client: each makes one after the other."""
        found: defaultdict[int, list[Call]] = defaultdict(list)
        for call in self.calls:
            found[call.client].append(call)
        return dict(found)


@contextmanager
def keep_history(path: Path) -> Iterator[History]:
    """Give a history whose lines go to this file."""
    with path.open("wb") as file:
        yield History(file)
