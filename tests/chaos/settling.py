"""After the storm: what was left open is asked for, until its status is the last one."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from tests.chaos.clients import Actor, Ground
from tests.chaos.history import Call, History, Kind
from tests.system.guarantees.clients import NoAnswer

_AT_ONCE: Final = 16
_SECONDS: Final = 60.0  # and
_SECONDS_EACH: Final = 0.05  # more: how many there are depends on the run's length
_PAUSE_SECONDS: Final = 0.1


async def settle(history: History, grounds: Mapping[str, Ground], actor: Actor) -> None:
    """Have every Location told: the status stands in the call then; what does not settle in time stays as it is."""
    open_calls = [call for call in history.calls if call.location]
    for account in {call.account for call in open_calls}:
        for _ in range(2):
            await actor.nudge(grounds[account])
    for call in open_calls:
        if call.kind is Kind.REGISTER:
            await actor.register_again(grounds[call.account], call.subject)
    turn = asyncio.Semaphore(_AT_ONCE)
    ends_at = time.monotonic() + _SECONDS + _SECONDS_EACH * len(open_calls)

    async def one(call: Call) -> None:
        async with turn:
            while not await _is_settled(call, grounds[call.account]) and time.monotonic() < ends_at:
                if call.settled == "pending":  # it was one of several under way: as many heights have to pass
                    await actor.nudge(grounds[call.account])
                await asyncio.sleep(_PAUSE_SECONDS)

    async with asyncio.TaskGroup() as group:
        for call in open_calls:
            group.create_task(one(call))


async def _is_settled(call: Call, ground: Ground) -> bool:
    try:
        reply = await ground.team.client.get(1 - call.api, call.location)
    except NoAnswer:
        return False
    if reply.status != 200:
        call.settled = f"status {reply.status}"
        return False
    command = reply.json["command"]
    call.settled = command["status"]
    return call.settled != "pending" and not command["waiting_for"]
