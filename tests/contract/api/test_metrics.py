"""What /metrics tells of writing."""

import secrets

from tests.contract.api.service import Service
from tests.servers import eventually


async def _value(service: Service, name: str) -> float:
    reply = await service.operator.send("GET", "/metrics")
    lines = [line for line in reply.body.decode().splitlines() if line.startswith(name)]
    return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


async def test_each_append_is_counted_and_timed(service: Service) -> None:
    names = ("patchbay_append_seconds_count", "patchbay_run_records_sum")
    before = [await _value(service, name) for name in names]
    await service.own.create()
    await service.own.create()

    async def counted() -> bool:  # the verdict may come before the acknowledgement
        return [await _value(service, name) - was for name, was in zip(names, before, strict=True)] == [2, 2]

    await eventually(counted)


async def test_the_stages_of_a_write_and_its_verdict_are_counted(service: Service) -> None:
    """By Idempotency-Key, so that what the copy remembers is not enough: it has to look."""
    stages = [f'patchbay_write_stage_seconds_count{{stage="{stage}"}}' for stage in ("load", "decide", "settle")]
    verdicts = [f'patchbay_verdicts_total{{by="{by}"}}' for by in ("announced", "read")]
    before = [await _value(service, name) for name in (*stages, *verdicts)]
    body = {"accountSlug": "my-team", "name": "Measured"}
    written = await service.own.send("POST", "/api/assistants", body, headers={"Idempotency-Key": secrets.token_hex(8)})
    after = [await _value(service, name) for name in (*stages, *verdicts)]
    grown = [is_ - was for is_, was in zip(after, before, strict=True)]

    assert written.status == 200
    assert grown[:3] == [1, 1, 1]
    assert sum(grown[3:]) == 1
