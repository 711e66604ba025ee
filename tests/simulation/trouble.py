"""What goes wrong in a seed, and how all is healed at its end."""

import asyncio
from collections.abc import Callable
from typing import Final

from tests.simulation.processes import Node
from tests.simulation.system import System

from patchbay.projection import committing
from patchbay.projector.composition import PROJECTION as READ_MODEL
from patchbay.routing.composition import PROJECTION as ROUTING

_DELAYS: Final = ((0.0003,), (0.0002, 0.0005, 0.002), (0.0002, 0.001, 0.02, 0.1))  # seconds, one way
_PAUSES: Final = (0.002, 0.02, 0.2, 1.0, 3.0, 6.0)  # seconds


class Troublemaker:
    """Decides what kind of bad day it is, and makes it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.random = system.random
        self.paused: list[tuple[Node, float, float]] = []  # from when to when
        self._healed = False
        choose = self.random.choice
        faults, database = system.brokers.faults, system.network.trouble
        faults.delays, database.delays = choose(_DELAYS), choose(_DELAYS)
        if self.random.random() < 0.7:
            for name in ("refused", "skipped", "unacknowledged", "zombie", "twice", "not_sent"):
                setattr(faults, name, choose((0.0, 0.0, 0.03, 0.15)))
        database.cut_before, database.cut_after = choose((0.0, 0.0, 0.0, 0.02)), choose((0.0, 0.0, 0.0, 0.02))
        self._events = choose((0, 1, 2, 4, 8))
        self._bad_days: tuple[Callable[[], None], ...] = (
            self._pause_one, self._pause_one, self._kill_api, self._kill_projection, self._end_session,
            self._cut_connections, self._hang, self._database_away, self._log_away, self._silence,
            self._stand_by, self._swap,
        )  # fmt: skip

    def copies_rows(self) -> int:
        """Return from how many rows on a commit is a transaction of several statements."""
        return self.random.choice((1, 2, committing.COPIED_ROWS))

    def be_harsh(self) -> None:
        """Let much land late, and calls be routed late."""
        self.system.brokers.faults.zombie = 0.2
        self.system.brokers.faults.not_sent = 0.1
        self.system.network.trouble.cut_after = 0.02
        self.system.brokers.faults.zombie_delays = (0.01, 0.05, 0.5)
        self._events += 4
        self._bad_days += (self._pause_routing,) * 6

    def start_system(self) -> None:
        """Start every process."""
        self.system.add_projection(READ_MODEL)
        self.system.add_projection(ROUTING)
        for _ in range(self.random.choice((2, 2, 3))):
            self.system.add_api()

    async def run(self) -> None:
        """Make trouble until it is enough."""
        for _ in range(self._events):
            await asyncio.sleep(self.random.choice((0.0, 0.001, 0.004, 0.01, 0.03, 0.1, 0.5)))
            self.random.choice(self._bad_days)()

    async def heal(self) -> None:
        """Let everything work again, and wait until it does."""
        system = self.system
        self._healed = True
        faults = system.brokers.faults
        faults.refused = faults.skipped = faults.unacknowledged = faults.zombie = faults.twice = faults.not_sent = 0.0
        faults.is_away = False
        system.network.go_on()
        for node in system.nodes:
            node.resume()
            if not node.is_up:
                node.start()
        await system.until(lambda: all(api.application for api in system.apis), "every copy is up")
        await system.until(system.caught_up, "the projections have caught up")

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        self.system.loop.call_later(seconds, lambda: None if self._healed else work())

    def _pause(self) -> float:
        return self.random.choice(_PAUSES)

    def _pause_one(self) -> None:
        node, seconds = self.random.choice(list(self.system.nodes)), self._pause()
        now = self.system.loop.time()
        self.paused.append((node, now, now + seconds))
        node.pause()
        self._later(seconds, node.resume)

    def _pause_routing(self) -> None:
        node = self.system.projections[1]
        node.pause()
        self._later(self.random.choice((0.02, 0.2)), node.resume)

    def _kill(self, node: Node) -> None:
        node.kill()
        self._later(self._pause() / 4, lambda: None if node.is_up else node.start())

    def _kill_api(self) -> None:
        self._kill(self.random.choice(self.system.apis))

    def _kill_projection(self) -> None:
        self._kill(self.random.choice(self.system.projections))

    def _end_session(self) -> None:
        self.random.choice(self.system.brokers.appenders).end_session("lost")

    def _cut_connections(self) -> None:
        self.system.network.cut(self.random.choice(list(self.system.nodes)).process)

    def _hang(self) -> None:
        self.system.network.trouble.hangs = True
        self._later(self._pause(), self.system.network.go_on)

    def _database_away(self) -> None:
        self.system.network.trouble.is_away = True
        for node in self.system.nodes:
            self.system.network.cut(node.process)
        self._later(self._pause(), self.system.network.go_on)

    def _log_away(self) -> None:
        self.system.brokers.faults.is_away = True
        self._later(self._pause(), self._log_back)

    def _log_back(self) -> None:
        self.system.brokers.faults.is_away = False

    def _silence(self) -> None:
        self.system.network.trouble.drops_notifications = True

    def _stand_by(self) -> None:
        if len(self.system.projections) < 4:
            self.system.add_projection(self.random.choice((READ_MODEL, ROUTING)))

    def _swap(self) -> None:
        name = self.random.choice(("read_model", "routing"))
        if not self.system.swap_generation(name):
            return
        for node in self.system.projections:
            if node.name.startswith(name):
                node.kill()
                self._later(self._pause() / 10, lambda node=node: None if node.is_up else node.start())  # type: ignore[misc] # each its own
