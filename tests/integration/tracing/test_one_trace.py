"""A change is one trace from the client to the routing table, through real processes and a real log."""

import secrets

import asyncpg
from tests.contract.api.service import run_service
from tests.forked import Start
from tests.integration.tracing.collecting import CollectedSpan, collecting
from tests.servers import eventually

from patchbay.eventlog import open_log, open_reader


async def test_one_change_is_one_trace_from_http_to_the_routing_table(
    starting: Start, kafka: str, database_url: str, topic: str
) -> None:
    """Request, event, and what each projection makes of it: the client's trace, and the record carries it on."""
    trace, client_span = secrets.token_hex(16), secrets.token_hex(8)
    async with (
        collecting() as collector,
        run_service(
            *(starting, kafka, database_url, topic),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="50",
        ) as service,
    ):
        number = await service.own.register()
        agent = await service.own.create(inbound_enabled=False)
        await service.own.assign(agent["id"], number["id"])
        fields = {"traceparent": f"00-{trace}-{client_span}-01"}
        reply = await service.own.patch(agent["id"], inbound_enabled=True, headers=fields)
        assert reply.status == 200
        await eventually(lambda: len(collector.of_trace(trace)) >= 4, 20)
        refused = await service.own.patch(agent["id"], headers={"traceparent": f"00-{trace}-{client_span}-zz"}, name="")
        assert refused.status == 400
        await eventually(lambda: any(span.facts.get("error.type") for span in collector.spans), 20)

    spans = {(span.service, span.kind): span for span in collector.of_trace(trace)}
    request, sending = spans["patchbay-api", "server"], spans["patchbay-api", "producer"]
    assert len(collector.of_trace(trace)) == 4
    assert (request.name, request.parent) == ("PATCH /api/assistants/{assistantId}", client_span)
    assert request.facts["http.response.status_code"] == "200"
    assert (sending.name, sending.parent) == (f"send {topic}", request.id)
    for projection in ("read_model", "routing"):
        consumer = spans[f"patchbay-{'projector' if projection == 'read_model' else projection}", "consumer"]
        assert (consumer.name, consumer.parent) == (f"process {topic}", sending.id)
        assert consumer.links == ((trace, sending.id),)
        assert consumer.facts["messaging.consumer.group.name"] == projection
        assert _place(consumer) == _place(sending)
    assert await _header(kafka, topic, sending) == f"00-{trace}-{sending.id}-01".encode()
    assert await _outcome(database_url, number["phone_number"]) == "routed"
    (failed,) = [span for span in collector.spans if span.facts.get("error.type") == "invalid_request"]
    assert (failed.parent, failed.is_failure) == ("", False), "a malformed context is none; a 400 is the client's"


def _place(span: CollectedSpan) -> tuple[int, int]:
    facts = span.facts
    return int(facts["messaging.destination.partition.id"]), int(facts["messaging.kafka.offset"])


async def _header(kafka: str, topic: str, sending: CollectedSpan) -> bytes | None:
    """Return the trace context of the record that this span tells of."""
    partition, offset = _place(sending)
    async with open_reader(kafka, await open_log(kafka, topic), {partition: offset}) as reader:
        (record, *_) = await reader.fetch(max_records=1, timeout_seconds=10)
        return dict(record.headers)["traceparent"]


async def _outcome(database_url: str, phone_number: str) -> str | None:
    connection = await asyncpg.connect(database_url)
    try:
        found: str | None = await connection.fetchval(
            "SELECT outcome FROM routing.inbound WHERE number = $1", phone_number
        )
        return found
    finally:
        await connection.close()
