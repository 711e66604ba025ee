"""`patchbay doctor` on a running service."""

import asyncpg
from tests.contract.api.service import Service
from tests.integration.cli.commands import Ran, patchbay
from tests.servers import eventually

from patchbay.embedded.ports import free_port


async def doctor(service: Service, **variables: str) -> Ran:
    """Return what it says of the service, told by the environment alone."""
    told = {
        "PATCHBAY_API": service.url,
        "KAFKA_BOOTSTRAP_SERVERS": service.kafka,
        "TOPIC": service.topic,
        "DATABASE_URL": service.environment["DATABASE_URL"] + "?default_transaction_read_only=on",
    }
    return await patchbay("doctor", "--json", **told | variables)


def checks(ran: Ran, *, well: bool | None) -> dict[str, str]:
    """Return the findings of one kind, by name."""
    return {found["check"]: found["sentence"] for found in ran.records if found["is_well"] is well}


async def test_a_running_service_is_well(service: Service) -> None:
    """Every part is looked at; a login that may only read is enough."""

    async def is_well() -> Ran | None:
        ran = await doctor(service)
        return ran if ran.code == 0 else None

    ran = await eventually(is_well, 60)  # tests before this one have stopped projections

    assert ran is not None
    assert set(checks(ran, well=True)) >= {"api", "log", "database", "read_model_lag", "routing_lag", "version"}
    assert not checks(ran, well=False)


async def test_a_quarantined_stream_is_named_with_its_reason(service: Service) -> None:
    connection = await asyncpg.connect(service.environment["DATABASE_URL"])
    try:
        await connection.execute(
            """INSERT INTO routing_1.quarantine (stream, from_height, reason, since)
               VALUES ('acct_nobody', 7, 'no such field', '2026-01-02')"""
        )
        ran = await doctor(service)
    finally:
        await connection.execute("DELETE FROM routing_1.quarantine WHERE stream = 'acct_nobody'")
        await connection.close()

    told = checks(ran, well=False)["routing_quarantined"]
    assert ran.code == 1
    assert "acct_nobody" in told
    assert "from height 7 on: no such field" in told


async def test_what_does_not_answer_is_told_and_the_rest_is_looked_at(service: Service) -> None:
    """Not the first trouble alone."""
    nobody = f"127.0.0.1:{free_port()}"
    ran = await doctor(service, PATCHBAY_API=f"http://{nobody}", DATABASE_URL=f"postgresql://x@{nobody}/x")

    assert ran.code == 1
    assert set(checks(ran, well=False)) == {"api", "database"}
    assert "log" in checks(ran, well=True)
    assert all(found["remedy"] for found in ran.records if found["is_well"] is False)


async def test_what_is_not_known_is_told_apart_from_what_is_wrong(service: Service) -> None:
    """A check that could not be made is none that was passed."""
    ran = await doctor(service, PATCHBAY_API="", DATABASE_URL="")

    assert ran.code == 5
    assert set(checks(ran, well=None)) == {"api", "database"}


async def test_a_log_that_was_made_anew_is_noticed(service: Service, topic: str) -> None:
    """Projections that read further than the log reaches have read another one."""
    made = await patchbay("topic", "create", "--partitions", "2", KAFKA_BOOTSTRAP_SERVERS=service.kafka, TOPIC=topic)
    ran = await doctor(service, TOPIC=topic)

    assert made.code == 0, made.err
    assert ran.code == 1
    assert "no API has begun the log" in checks(ran, well=False)["log"]
