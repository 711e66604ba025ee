"""The budget of one write by stage, from its traces, with one client that waits for each answer."""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

import aiohttp
import msgspec
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.benchmarks.generator import run_load
from tests.benchmarks.installation import run_patchbay
from tests.benchmarks.scenarios import creates

_KINDS: Final = {2: "request", 4: "send"}
_READ_MODEL: Final = "read_model"
_APPENDS: Final = re.compile(r"^patchbay_append_seconds_(sum|count) (\S+)$", re.MULTILINE)


class Stage(msgspec.Struct, frozen=True):
    """A part of the way, in the order in which it comes."""

    name: str
    ms: float
    how: str  # it is known


class Spans:
    """The spans that were sent here: begin and end in milliseconds, by trace and what they are of."""

    def __init__(self) -> None:
        self.by_trace: defaultdict[str, dict[str, tuple[float, float]]] = defaultdict(dict)

    async def take(self, request: web.Request) -> web.Response:
        """Take what is exported."""
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for scope in (scope for resource in sent.resource_spans for scope in resource.scope_spans):
            for span in scope.spans:
                facts = {fact.key: fact.value.string_value for fact in span.attributes}
                name = _KINDS.get(span.kind) or facts.get("messaging.consumer.group.name", "")
                times = span.start_time_unix_nano / 1e6, span.end_time_unix_nano / 1e6
                self.by_trace[span.trace_id.hex()][name] = times
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    def stages(self, client_ms: float, append_ms: float) -> list[Stage]:
        """
        Return where the time went; medians of all writes whose spans are all there.

        Args:
            client_ms: What a client waits for an answer; median.
            append_ms: Until the broker's word.
        """
        whole = [spans for spans in self.by_trace.values() if {"request", "send", _READ_MODEL} <= spans.keys()]
        if not whole:
            return []
        gaps = [_gaps(spans) for spans in whole]
        parse, fetch, project, notify, answer = (median(column) for column in zip(*gaps, strict=True))
        handled = median(spans["request"][1] - spans["request"][0] for spans in whole)
        return [
            Stage("client, socket, HTTP", client_ms - handled, "what the client waits, less the request's span"),
            Stage("parse: key, limits, body, rules", parse, "request's begin to the sending's"),
            Stage("decide, append, fetch", fetch, "sending's begin to the batch that the projector has fetched"),
            Stage(
                "of this: until the broker's word", append_ms, "mean of `patchbay_append_seconds`, with Kafka's fsync"
            ),
            Stage("project", project, "the batch, fetched to committed, with Postgres' fsync"),
            Stage(
                "notify, verdict",
                notify,
                "the projector hears of its commit, to the sending's end; the API may hear first",
            ),
            Stage("answer", answer, "sending's end to the request's"),
            Stage("all", client_ms, f"p50 of what one client waits; the stages are medians of {len(whole)} traces"),
        ]


def _gaps(spans: dict[str, tuple[float, float]]) -> tuple[float, ...]:
    request, send, batch = spans["request"], spans["send"], spans[_READ_MODEL]
    return send[0] - request[0], batch[0] - send[0], batch[1] - batch[0], send[1] - batch[1], request[1] - send[1]


async def measure_budget(directory: Path, warm_up_seconds: float, seconds: float) -> list[Stage]:
    """Trace a Patchbay of its own that is asked to create, and return where the time of one create goes."""
    async with (
        _collecting() as (spans, url),
        run_patchbay(directory, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_BSP_SCHEDULE_DELAY="100") as side,
    ):
        await run_load(side.base_url, creates(64)(side), warm_up_seconds)
        await run_load(side.base_url, creates(1)(side), 1)
        spans.by_trace.clear()
        before = await _appends(side.metrics_urls["api"])
        figures = await run_load(side.base_url, creates(1)(side), seconds)
        after = await _appends(side.metrics_urls["api"])
    appended, count = (now - then for now, then in zip(after, before, strict=True))
    return spans.stages(figures.p50_us / 1000, 1000 * appended / count)


async def _appends(url: str) -> Sequence[float]:
    """Return the seconds of all appends, and how many there were."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found = dict(_APPENDS.findall(await answer.text()))
    return float(found["sum"]), float(found["count"])


@asynccontextmanager
async def _collecting() -> AsyncIterator[tuple[Spans, str]]:
    spans, app = Spans(), web.Application(client_max_size=2**26)
    app.router.add_post("/v1/traces", spans.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield spans, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
