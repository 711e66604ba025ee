"""
What load does: `python -m tests.benchmarks.load` prints Markdown for docs/reliability.md.

Three processes of the API, a broker, Postgres and both projections on this machine; so does the generator of the load,
which takes its part of the same cores. Absolute times are of this machine and this moment; shares are not.
"""

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
from tests.system.guarantees.accounts import Team, open_team
from tests.system.guarantees.clients import NoAnswer
from tests.system.guarantees.cluster import PROJECTOR, ROUTING, Cluster, run_cluster
from tests.system.guarantees.folding import read_log

APIS = ("api-1", "api-2", "api-3")


class Result:
    """The answers of some clients."""

    def __init__(self) -> None:
        self.seconds: list[float] = []  # of each 200
        self.statuses: Counter[int] = Counter()
        self.done: Counter[int] = Counter()  # by process
        self.codes: Counter[str] = Counter()
        self.without_retry_after = 0

    def p(self, share: float) -> str:
        """Return a percentile of the time to a 200, in ms."""
        found = sorted(self.seconds)
        return f"{found[min(len(found) - 1, int(len(found) * share))] * 1e3:,.0f} ms" if found else "-"

    async def write(self, team: Team, api: int) -> None:
        """Create an assistant; who is told to come back later does not send anything until then."""
        body = {"accountSlug": team.slug, "name": f"Agent {secrets.token_hex(4)}"}
        try:
            reply = await team.client.request(api, "POST", "/api/assistants", body)
        except NoAnswer:
            self.statuses[0] += 1
            return
        self.statuses[reply.status] += 1
        if reply.status != 200:
            self.codes[reply.code] += 1
        if reply.status == 200:
            self.seconds.append(reply.seconds)
            self.done[api] += 1
        elif "retry-after" not in reply.fields:
            self.without_retry_after += 1
        else:
            await asyncio.sleep(float(reply.fields["retry-after"]))


async def closed(
    teams: Sequence[Team], apis: Sequence[int], *, clients: int, seconds: float, pause: float = 0
) -> Result:
    """Have clients that send their next request at the answer to the last, or after a pause."""
    result, end = Result(), time.monotonic() + seconds

    async def client(number: int) -> None:
        await asyncio.sleep(pause * number / clients)
        while time.monotonic() < end:
            await result.write(teams[number % len(teams)], apis[number % len(apis)])
            if pause:
                await asyncio.sleep(pause)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return result


async def open_loop(teams: Sequence[Team], api: int, *, per_second: float, seconds: float) -> Result:
    """Send so many requests a second, whatever becomes of them."""
    result, begun_at = Result(), time.monotonic()
    number, tasks = 0, set()
    while (now := time.monotonic() - begun_at) < seconds:
        while number < now * per_second:
            task = asyncio.create_task(result.write(teams[number % len(teams)], api))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    return result


@asynccontextmanager
async def opened(cluster: Cluster, count: int) -> AsyncIterator[list[Team]]:
    """Open accounts."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_team(cluster)) for _ in range(count)]


async def void_share(cluster: Cluster, before: Counter[str]) -> float:
    """Return which share of the records since then is void."""
    await cluster.catch_up(120)
    now = (await read_log(cluster.kafka)).verdicts
    void, accepted = (now[name] - before[name] for name in ("void", "accepted"))
    return void / max(1, void + accepted)


def memory_of(cluster: Cluster) -> dict[str, int]:
    """Return the resident memory of each process of ours, in MiB."""
    names = (PROJECTOR, ROUTING, *APIS)
    return {name: psutil.Process(cluster.pid(name)).memory_info().rss // 2**20 for name in names}


async def measure(cluster: Cluster, seconds: float) -> None:
    """Print what comes out."""
    say(f"Machine: {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}. {seconds:g} s each.\n")
    say("| what | outcome |\n|---|---|")
    async with opened(cluster, 12) as teams:
        await closed(teams, (0, 1, 2), clients=24, seconds=seconds / 4)  # begin
        before = Counter((await read_log(cluster.kafka)).verdicts)
        one = await closed(teams[:1], (0, 1, 2), clients=30, seconds=seconds)
        share, total = await void_share(cluster, before), sum(one.done.values())
        parts = ", ".join(f"{one.done[api] / max(1, total):.0%}" for api in range(3))
        say(
            f"| three APIs, one account, 30 clients | {total / seconds:,.0f} writes/s, p50 {one.p(0.5)}, "
            f"p99 {one.p(0.99)}; void {share:.1%}; of each API {parts}; {dict(one.statuses)} {dict(one.codes)} |"
        )
        full = await closed(teams, (0,), clients=64, seconds=seconds)
        capacity = full.statuses[200] / seconds
        say(f"| capacity: one API, 12 accounts, 64 clients | {capacity:,.0f} writes/s, p99 {full.p(0.99)} |")
        before = Counter((await read_log(cluster.kafka)).verdicts)
        light = await closed(
            teams, (0, 1, 2), clients=24, seconds=seconds, pause=max(0.02, 24 / (0.2 * capacity) - 0.01)
        )
        share = await void_share(cluster, before)
        say(
            f"| 20 % of it, three APIs, 12 accounts | {light.statuses[200] / seconds:,.0f} writes/s, "
            f"p99 {light.p(0.99)}; void {share:.2%} |"
        )
        steady = await open_loop(teams, 0, per_second=0.8 * capacity, seconds=seconds)
        say(f"| 80 % of it, one API | p99 {steady.p(0.99)}; {dict(steady.statuses)} |")
        memory = memory_of(cluster)
        beyond = await closed(teams, (0,), clients=900, seconds=seconds)
        refused = f"{beyond.statuses[503] / seconds:,.0f} refused/s, without Retry-After {beyond.without_retry_after}"
        say(
            f"| 900 clients without a pause, one API | {beyond.statuses[200] / seconds:,.0f} done/s, "
            f"p50 {beyond.p(0.5)}, p99 {beyond.p(0.99)}; {refused}; {dict(beyond.statuses)} |"
        )
        after = memory_of(cluster)
        say(f"| memory before and after, MiB | {', '.join(f'{n} {memory[n]} → {after[n]}' for n in after)} |")
        alone = await closed(teams[1:5], (0,), clients=4, seconds=seconds, pause=0.05)
        hot = asyncio.create_task(closed(teams[:1], (0,), clients=300, seconds=seconds))
        beside = await closed(teams[1:5], (0,), clients=4, seconds=seconds, pause=0.05)
        flood = await hot
        say(
            f"| 4 quiet accounts, alone and beside one with 300 clients | p50 {alone.p(0.5)} and {beside.p(0.5)}, "
            f"p99 {alone.p(0.99)} and {beside.p(0.99)}; {dict(beside.statuses)}; the hot one {dict(flood.statuses)} |"
        )


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(seconds: float) -> None:
    """Run everything on servers of its own."""
    with tempfile.TemporaryDirectory() as directory:
        async with run_cluster(Path(directory), APIS[2]) as cluster:
            await measure(cluster, seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each part")
    asyncio.run(main(parser.parse_args().seconds))
