"""The budget of one write by stage, from what the processes themselves measure, at one connection."""

import re
from typing import Final

import aiohttp
import msgspec
from tests.benchmarks.generator import run_load
from tests.benchmarks.scenarios import creates
from tests.benchmarks.sides import Side

_SUM: Final = re.compile(r"^(patchbay_\w+)_(sum|count)(\{[^}]*\})? (\S+)$", re.MULTILINE)


class Stage(msgspec.Struct, frozen=True):
    """A part of the way, in the order in which it comes."""

    name: str
    ms: float  # mean
    how: str  # it is known


async def measure_budget(side: Side, seconds: float) -> list[Stage]:
    """Create for a while over one connection, and return where the time of one create went."""
    before = {name: await _metrics(url) for name, url in side.metrics_urls.items()}
    figures = await run_load(side.base_url, creates(1)(side), seconds)
    after = {name: await _metrics(url) for name, url in side.metrics_urls.items()}

    def mean_ms(process: str, metric: str, labels: str = "") -> float:
        deltas = [after[process].get(key, 0.0) - before[process].get(key, 0.0) for key in _keys(metric, labels)]
        return 1000 * deltas[0] / deltas[1] if deltas[1] else 0.0

    whole = 1000 * figures.duration_us / 1e6 / figures.requests
    handled = mean_ms("api", "patchbay_request_seconds", '{method="POST",route="/api/assistants"}')
    append = mean_ms("api", "patchbay_append_seconds")
    project = mean_ms("projector", "patchbay_batch_seconds", '{projection="read_model"}')
    return [
        Stage("the client, the socket, HTTP", whole - handled, "a request as its client sees it, less the next line"),
        Stage("in the API, from head to answer", handled, "`patchbay_request_seconds`"),
        Stage("… append", append, "`patchbay_append_seconds`: from append to the broker's word, with its fsync"),
        Stage("… project", project, "`patchbay_batch_seconds`: from the fetched batch to its commit, with its fsync"),
        Stage(
            "… parse, decide, fetch, notify, answer",
            handled - append - project,
            "what is left; fetching begins before the broker's word, so it may hide in it",
        ),
    ]


def _keys(metric: str, labels: str) -> tuple[str, str]:
    return f"{metric}_sum{labels}", f"{metric}_count{labels}"


async def _metrics(url: str) -> dict[str, float]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        text = await answer.text()
    return {f"{name}_{part}{labels or ''}": float(value) for name, part, labels, value in _SUM.findall(text)}
