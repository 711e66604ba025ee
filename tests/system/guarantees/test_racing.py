"""Two processes of the API that write to one account at the same time, as fast as they can."""

import asyncio
import secrets
import time
from collections import Counter
from random import Random

from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.cluster import Cluster
from tests.system.guarantees.folding import read_log
from tests.system.guarantees.noting import Note
from tests.system.guarantees.settling import broken_promises, settle, tally
from tests.system.guarantees.tables import differences, differences_in_memory
from tests.system.guarantees.writing import Kind, Operation
from tests.thoroughness import rounds

CLIENTS_OF_EACH = 4
WRITES_OF_EACH = rounds(40, 80)
ASSISTANTS = 3
SEED = 11


async def test_two_processes_racing_on_one_account_accept_each_write_once(cluster: Cluster, note: Note) -> None:
    """Every 200 is in the log exactly once, nothing else is accepted, and all tables are a fold of the log."""
    async with open_team(cluster) as team:
        assistants = [await team.assistant() for _ in range(ASSISTANTS)]
        numbers = [(await team.number())[0] for _ in range(ASSISTANTS)]
        clients = [
            _Client(team, assistants, numbers, api, Random(SEED + 2 * n + api))
            for n in range(CLIENTS_OF_EACH)
            for api in (0, 1)
        ]
        before = len((await read_log(cluster.kafka)).by_stream(team.account_id))
        begun_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.write())
        seconds = time.monotonic() - begun_at
        operations = [operation for client in clients for operation in client.operations]
        nudges = await settle(operations)
        await cluster.catch_up()
    log = await read_log(cluster.kafka)
    done = Counter(f"api-{c.api + 1}" for c in clients for o in c.operations if o.last.is_done)
    accepted = log.by_stream(team.account_id)[before:]
    traces = {this.trace for operation in (*operations, *nudges) for this in operation.tries}
    told = dict(tally(operations))
    note(f"{sum(done.values())} done in {seconds:.1f} s ({dict(done)}), answered {told}, log: {dict(log.verdicts)}")

    assert min(done.values()) > 0
    assert broken_promises(log, [*operations, *nudges]) == []
    assert {event.envelope.traceparent for event in accepted} <= traces
    assert await differences(log, cluster.database_url) == []
    assert await differences_in_memory(log, cluster.kafka) == []


class _Client:
    """Writes through one process, one write after the other."""

    def __init__(self, team: Team, assistants: list[str], numbers: list[str], api: int, chance: Random) -> None:
        self.api = api
        self.operations: list[Operation] = []
        self._team = team
        self._assistants = assistants
        self._numbers = numbers
        self._chance = chance

    async def write(self) -> None:
        for _ in range(WRITES_OF_EACH):
            operation = self._next()
            self.operations.append(operation)
            await operation.attempt(self.api)

    def _next(self) -> Operation:
        slug, assistant = self._team.slug, self._chance.choice(self._assistants)
        path = f"/api/assistants/{assistant}"
        name: dict[str, object] = {"accountSlug": slug, "name": f"Agent {secrets.token_hex(6)}"}
        match self._chance.randrange(4):
            case 0:
                return Operation(Kind.CREATE, self._team, "POST", "/api/assistants", name, assistant)
            case 1:
                chosen = self._chance.sample(self._numbers, self._chance.randrange(3))
                body = {"accountSlug": slug, "phoneNumberIds": chosen, "reassign": True}
                return Operation(Kind.ASSIGN, self._team, "PATCH", f"{path}/telephony/phone-numbers", body, assistant)
            case _:
                return Operation(Kind.RENAME, self._team, "PATCH", path, name, assistant)
