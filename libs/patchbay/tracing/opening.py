"""Opening what traces, if anything is to be traced."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from patchbay.tracing.settings import TracingSettings

if TYPE_CHECKING:
    from patchbay.tracing.spans import Spans


@asynccontextmanager
async def open_tracing(service: str, settings: TracingSettings, topic: str) -> "AsyncIterator[Spans | None]":
    """
    Yield what makes the spans of this process; None if nothing is to be traced.

    Args:
        service: The name of the process.
        settings: Of the process.
        topic: The log's.

    Raises:
        SystemExit: Exit code 2; it is asked for, and OpenTelemetry is not installed.
    """
    if settings.otel_exporter_otlp_endpoint is None:
        yield None
        return
    try:
        from patchbay.tracing.exporting import export_spans  # noqa: PLC0415 - who does not trace does not import it
        from patchbay.tracing.spans import Spans  # noqa: PLC0415 - likewise
    except ModuleNotFoundError as error:
        sys.stderr.write(
            "bad setting: OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed "
            f"({error.name}): pip install 'patchbay[tracing]'\n"
        )
        raise SystemExit(2) from None
    endpoint = settings.otel_exporter_otlp_endpoint
    async with export_spans(service, endpoint, instance_id=settings.instance_id) as tracer:
        yield Spans(tracer, topic)
