"""One seed: a system, its clients, its troubles, and what must have been true."""

import asyncio
from hashlib import sha256
from unittest.mock import patch

import structlog
from tests.simulation.checks import Checks
from tests.simulation.clients import Clients
from tests.simulation.system import PARTITIONS, System, beginning, running
from tests.simulation.trouble import Troublemaker
from tests.simulation.truth import truth_of


class Result:
    """What a seed came to: equal for equal seeds."""

    def __init__(self, system: System, clients: Clients) -> None:
        self.steps = system.loop.steps
        self.seconds = system.loop.time()
        self.tries = clients.tries
        records = [record for partition in range(PARTITIONS) for record in system.log.records(partition)[1:]]
        told = [(each.kind, each.status, each.started_at, each.ended_at) for each in clients.tries]
        self.digest = sha256(repr((records, told, self.steps)).encode()).hexdigest()  # of all that happened


def simulate(seed: int, *, is_harsh: bool = False) -> Result:
    """
    Run a seed; a harsh one has more clients, more zombies, and a routing projection that keeps standing still.

    Raises:
        AssertionError: Something was not true; the seed is in its notes.
    """
    try:
        return _simulate(seed, is_harsh=is_harsh)
    except BaseException as failure:
        failure.add_note(f"seed {seed}: python -m tests.simulation --seed {seed}")
        raise


def _simulate(seed: int, *, is_harsh: bool) -> Result:
    first = beginning()
    system = System(seed, first)
    trouble = Troublemaker(system)
    clients, requests = system.random.choice((2, 3)), system.random.choice((2, 3))
    if is_harsh:
        clients, requests = 4, 3
        trouble.be_harsh()
    asking = Clients(system, first, clients=clients, requests=requests)

    async def main() -> None:
        trouble.start_system()
        await system.until(lambda: all(api.application for api in system.apis), "every copy is up")
        await asyncio.gather(asking.run(), trouble.run())
        await trouble.heal()
        await asking.look_at_everything()
        truth = truth_of(system.log, system.brokers.landed_at, first.records)
        Checks(system, asking, trouble, truth).all()
        await system.end()

    with (
        structlog.testing.capture_logs(),
        patch("patchbay.projection.committing.COPIED_ROWS", trouble.copies_rows()),
        running(system) as run,
    ):
        run(main())
    return Result(system, asking)
