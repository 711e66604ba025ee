"""Sending spans by OTLP over HTTP, from a thread of its own: nothing waits for who collects them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from threading import Thread

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

log = structlog.get_logger()

EXPORT_SECONDS = 5.0  # for one try; what is not taken by then is tried again a few times, then dropped
FLUSH_SECONDS = 2.0  # for the last spans, when the process stops


@asynccontextmanager
async def export_spans(service: str, endpoint: str, *, instance_id: str) -> AsyncIterator[Tracer]:
    """
    Yield what makes spans; at the end the last ones are sent within a bound.

    Args:
        service: The name of the process.
        endpoint: The base address of the collector.
        instance_id: Of this copy.
    """
    facts = {
        "service.name": f"patchbay-{service}",
        "service.version": version("patchbay"),
        "service.instance.id": instance_id,
    }
    provider = TracerProvider(resource=Resource.create(facts), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    log.info("tracing", endpoint=endpoint)
    try:
        yield provider.get_tracer("patchbay", version("patchbay"))
    finally:
        # A daemon: where the collector hangs, the process ends without it.
        ending = Thread(target=provider.shutdown, name="end of tracing", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, FLUSH_SECONDS)
        if ending.is_alive():
            log.warning("spans_lost", reason=f"{endpoint} has not taken the last ones within {FLUSH_SECONDS:g} s")
