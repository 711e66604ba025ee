"""How a copy of the API hears what the projector announces: in order, late, or for a while not at all."""

from collections.abc import Sequence

from tests.unit.api.writing.fold import Accepted

from patchbay.api.writing.remembering import Memory
from patchbay.api.writing.settling import Settler
from patchbay.projection import Announced


class Ear:
    """One copy's connection for notifications."""

    def __init__(self, settler: Settler, memory: Memory) -> None:
        self.settler = settler
        self.memory = memory
        self._connected = False
        self._unheard: list[Announced] = []

    def connect(self, *, connected: bool) -> None:
        """Lose the connection, and all that is on its way, or get it back."""
        if connected != self._connected:
            self._connected = self.settler.is_told = connected
            self.memory.hear(hears=connected)
            self._unheard.clear()

    def announce(self, accepted: Sequence[Accepted]) -> None:
        """Put these on their way."""
        if self._connected:
            self._unheard += [
                Announced(a.envelope.stream, a.envelope.digest, a.position.partition, a.position.next_offset - 1)
                for a in accepted
            ]

    def hear(self) -> None:
        """Let all that is on its way arrive."""
        if self._unheard:
            unheard, self._unheard = self._unheard, []
            self.settler.hear(unheard)
        self.settler.wake("read_model 0:1")
        self.settler.wake("routing 0:1")
