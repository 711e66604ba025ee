"""What /metrics tells of writing."""

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
