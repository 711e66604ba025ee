"""Whose turn it is to run: systems that nobody uses would take of the processors all the same."""

from tests.system.guarantees.cluster import Cluster


class Turns:
    """Has one cluster run at a time."""

    def __init__(self) -> None:
        self._running: Cluster | None = None

    async def take(self, cluster: Cluster) -> None:
        """Have this one run, and no other."""
        if self._running is not cluster:
            await self.rest()
            self._running = cluster
        await cluster.start_all()

    async def rest(self) -> None:
        """Have none run."""
        if self._running is not None:
            await self._running.stop_all()
            self._running = None
