"""
The spans of Patchbay: a request, the event that it sends, and what each projection makes of the event.

Attributes hold ids and numbers, never what a user wrote, and no path, since phone numbers stand in some.

Source: OpenTelemetry's semantic conventions for HTTP, messaging and Kafka.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_CONTEXT: Final = TraceContextTextMapPropagator()
_SERVER_ERROR: Final = 500


class Sending:
    """An event on its way into the log."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """What goes into the record's header."""
        carrier: dict[str, str] = {}
        _CONTEXT.inject(carrier)
        return carrier.get("traceparent")

    def landed(self, partition: int, offset: int) -> None:
        """Note where the event lies."""
        self._span.set_attributes(
            {"messaging.destination.partition.id": str(partition), "messaging.kafka.offset": offset}
        )

    def needless(self) -> None:
        """Note that there was nothing to send."""
        self._span.set_attribute("patchbay.appended", value=False)


class Spans:
    """Makes spans, all of one log."""

    def __init__(self, tracer: Tracer, topic: str) -> None:
        self._tracer = tracer
        self._topic = topic
        self._destination = {"messaging.system": "kafka", "messaging.destination.name": topic}

    @contextmanager
    def serving(self, method: str, headers: Mapping[str, str]) -> Iterator[None]:
        """Trace a request for as long as the body runs, as a part of what the client traces."""
        with self._tracer.start_as_current_span(
            method,
            context=_CONTEXT.extract(headers, Context()),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ):
            yield

    def served(self, method: str, route: str, status: int, facts: Mapping[str, str]) -> None:
        """Note on the request's span how it was answered."""
        span = get_current_span()
        span.update_name(f"{method} {route}")
        span.set_attributes(
            {"http.request.method": method, "http.route": route, "http.response.status_code": status, **facts}
        )
        if status >= _SERVER_ERROR:
            span.set_status(StatusCode.ERROR)

    @contextmanager
    def sending(self, stream: str) -> Iterator[Sending]:
        """Trace the sending of an event, from the command to its verdict, as a part of the request."""
        facts = {
            **self._destination,
            "messaging.operation.type": "send",
            "messaging.operation.name": "send",
            "messaging.kafka.message.key": stream,
        }
        # What a refused command says may quote what a user wrote.
        with self._tracer.start_as_current_span(
            f"send {self._topic}",
            kind=SpanKind.PRODUCER,
            attributes=facts,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield Sending(span)

    def processed(
        self, projection: str, traceparent: str, begun_at: float, *, stream: str, partition: int, offset: int
    ) -> None:
        """
        Tell that an event's batch was committed, as a part of the event's trace, with a link to its sending.

        Args:
            projection: Which one.
            traceparent: From the record; anybody may have written it.
            begun_at: When the batch was fetched, in seconds since 1970.
            stream: The event's.
            partition: Where it lies.
            offset: Likewise.
        """
        context = _CONTEXT.extract({"traceparent": traceparent}, Context())
        sent = get_current_span(context).get_span_context()
        if not sent.is_valid:
            return
        facts: dict[str, str | int] = {
            **self._destination,
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.consumer.group.name": projection,
            "messaging.kafka.message.key": stream,
            "messaging.destination.partition.id": str(partition),
            "messaging.kafka.offset": offset,
        }
        self._tracer.start_span(
            f"process {self._topic}",
            context=context,
            kind=SpanKind.CONSUMER,
            attributes=facts,
            links=[Link(sent)],
            start_time=int(begun_at * 1e9),
        ).end()
