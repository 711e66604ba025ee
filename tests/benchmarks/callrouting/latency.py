"""How long after a write has answered the table in a router's memory has changed."""

import time
from pathlib import Path
from typing import Any, Final

import aiohttp
from tests.benchmarks.callrouting.goals import Figure, percentile, render
from tests.benchmarks.installation import run_patchbay
from tests.benchmarks.sides import Account
from tests.servers import eventually

from patchbay.callrouting import Answer, CallRouting

_WARM_UP: Final = 100


async def measure_latency(directory: Path, changes: int) -> tuple[str, int]:
    """Return the figures as text, and how many goals they miss."""
    async with run_patchbay(directory) as side:
        heard: dict[bool, float] = {}

        def note(_number: str, answer: Answer) -> None:
            heard[answer.outcome.value == "routed"] = time.perf_counter()

        bootstrap_servers = _bootstrap_of(directory)
        account = side.accounts[0]
        async with (
            CallRouting.subscribe(bootstrap_servers=bootstrap_servers, on_change=note),
            aiohttp.ClientSession(side.base_url, headers={"Authorization": f"Bearer {account.key}"}) as session,
        ):
            path = await _routed_number(session, account)
            answered, changed = [], []
            for index in range(_WARM_UP + changes):
                is_on = index % 2 == 1
                heard.clear()
                sent_at = time.perf_counter()
                await _send(session, "PATCH", path, {"accountSlug": account.slug, "inbound_enabled": is_on})
                answered_at = time.perf_counter()
                await eventually(lambda wanted=is_on: wanted in heard)  # type: ignore[misc, arg-type]
                if index >= _WARM_UP:
                    answered.append((answered_at - sent_at) * 1e3)
                    changed.append((heard[is_on] - answered_at) * 1e3)
    answered.sort()
    changed.sort()
    return render(
        f"{changes:,} changes over REST, one after the other",
        [
            Figure("the PATCH answers, p50", percentile(answered, 0.5), "ms"),
            Figure("the PATCH answers, p99", percentile(answered, 0.99), "ms"),
            Figure("from its answer to the changed table (negative: before it), p50", percentile(changed, 0.5), "ms"),
            Figure("... p99", percentile(changed, 0.99), "ms", 10),
            Figure("... longest", changed[-1], "ms"),
        ],
    )


async def _routed_number(session: aiohttp.ClientSession, account: Account) -> str:
    """Make an assistant that holds a number; return its path."""
    created = await _send(
        session, "POST", "/api/assistants", {"accountSlug": account.slug, "name": "A", "inbound_enabled": True}
    )
    number = await _send(
        session, "POST", "/api/phone-numbers", {"accountSlug": account.slug, "phoneNumber": "+4930123456"}
    )
    path = f"/api/assistants/{created['assistant']['id']}"
    numbers: dict[str, object] = {"accountSlug": account.slug, "phoneNumberIds": [number["phone_number"]["id"]]}
    await _send(session, "PATCH", f"{path}/telephony/phone-numbers", numbers)
    return path


async def _send(session: aiohttp.ClientSession, method: str, path: str, body: dict[str, object]) -> dict[str, Any]:
    async with session.request(method, path, json=body) as answer:
        decoded: dict[str, Any] = await answer.json()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {decoded}")
        return decoded


def _bootstrap_of(directory: Path) -> str:
    """Return the broker's address, as its configuration names it."""
    lines = (directory / "kafka" / "server.properties").read_text().splitlines()
    listeners = next(line for line in lines if line.startswith("advertised.listeners="))
    return listeners.partition("CLIENT://")[2].partition(",")[0]
