"""What is killed while clients write comes back through TLS and logins, and keeps every promise."""

from tests.system.guarantees.cluster import APIS, KAFKA, POSTGRES, PROJECTOR, ROUTING, Cluster
from tests.system.guarantees.noting import Note
from tests.system.guarantees.test_kills import survive

VICTIMS = ((PROJECTOR, ROUTING, *APIS), (KAFKA, POSTGRES))


async def test_kill_9_loses_nothing_and_repeats_nothing(cluster: Cluster, note: Note) -> None:
    """All services at once, then both servers: every answer holds, and every table is a fold of the log."""
    await survive(cluster, note, VICTIMS, clients=4)
