"""
What a process keeps of what it has done: `python -m tests.benchmarks.soak --minutes 30` prints Markdown.

Two processes of the API, a broker, Postgres and both projections; clients of twelve accounts create, change, assign and
read without end. The resident memory of each process is told every so often, with what had been done by then: memory
that is bounded stands still, however long it goes on.
"""

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import psutil
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.clients import NoAnswer
from tests.system.guarantees.cluster import APIS, PROJECTOR, ROUTING, Cluster, run_cluster

ACCOUNTS = 12
CLIENTS_EACH = 2
LOOKS = 15  # in all
NAMES = (*APIS, PROJECTOR, ROUTING)


async def client(team: Team, number: int, end: float, pause: float, done: Counter[str]) -> None:
    """Send one request after the other: of ten, one creates, four change, one assigns, four read."""
    chance = Random(number)
    assistants = [await team.assistant(api) for api in range(2)]
    held = [await team.number(0)]
    while time.monotonic() < end:
        assistant, api = chance.choice(assistants[-50:]), chance.randrange(len(APIS))
        path, draw = f"/api/assistants/{assistant}", chance.random()
        body: dict[str, object] = {"accountSlug": team.slug}
        try:
            if draw < 0.1:
                assistants.append(await team.assistant(api))
            elif draw < 0.5:
                await team.client.request(api, "PATCH", path, {**body, "name": f"Agent {secrets.token_hex(4)}"})
            elif draw < 0.6:
                body |= {"phoneNumberIds": [chance.choice(held)[0]], "reassign": True}
                await team.client.request(api, "PATCH", f"{path}/telephony/phone-numbers", body)
            elif draw < 0.8:
                await team.client.get(api, path)
            else:
                await team.client.get(api, f"/api/routing/inbound/{chance.choice(held)[1]}")
        except NoAnswer:
            done["no answer"] += 1
        done["requests"] += 1
        await asyncio.sleep(pause)


def memory_of(cluster: Cluster) -> list[float]:
    """Return the resident memory of each process of ours, in MiB."""
    return [psutil.Process(cluster.pid(name)).memory_info().rss / 2**20 for name in NAMES]


async def measure(cluster: Cluster, minutes: float, pause: float) -> None:
    """Print a line of the table each time, and at the end what the second half added."""
    say(f"Machine: {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}.\n")
    say("| minute | requests | " + " | ".join(NAMES) + " |\n" + "|" + "---|" * (len(NAMES) + 2))
    done: Counter[str] = Counter()
    begun_at = time.monotonic()
    end = begun_at + minutes * 60
    looks: list[tuple[int, list[float]]] = []
    async with AsyncExitStack() as stack:
        teams = [await stack.enter_async_context(open_team(cluster)) for _ in range(ACCOUNTS)]
        async with asyncio.TaskGroup() as group:
            for number in range(ACCOUNTS * CLIENTS_EACH):
                group.create_task(client(teams[number % ACCOUNTS], number, end, pause, done))
            for look in range(1, LOOKS + 1):
                await asyncio.sleep(max(0.0, begun_at + minutes * 60 * look / LOOKS - time.monotonic()))
                looks.append((done["requests"], memory_of(cluster)))
                sizes = " | ".join(f"{size:.0f}" for size in looks[-1][1])
                say(f"| {minutes * look / LOOKS:.0f} | {done['requests']:,} | {sizes} |")
    (first_count, first), (last_count, last) = looks[LOOKS // 2], looks[-1]
    grown = ", ".join(f"{name} {b - a:+.1f}" for name, a, b in zip(NAMES, first, last, strict=True))
    say(f"\nMiB that the last {last_count - first_count:,} requests added: {grown}. {dict(done)}")


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(minutes: float, pause: float) -> None:
    """Run everything on servers of its own."""
    with tempfile.TemporaryDirectory() as directory:
        async with run_cluster(Path(directory)) as cluster:
            await measure(cluster, minutes, pause)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two requests of a client")
    given = parser.parse_args()
    asyncio.run(main(given.minutes, given.pause))
