"""A few of the requests that `make fuzz` makes by the ten thousand: see tests/fuzzing."""

from pathlib import Path

from tests.contract.api.service import Service
from tests.fuzzing.running import Plan, fuzz


async def test_requests_made_from_the_description_are_answered_as_it_says(service: Service, tmp_path: Path) -> None:
    """All of Schemathesis' checks: statuses, schemas, header fields, keys, others' objects, what was deleted."""
    plan = Plan(examples=1, seed=1, phases=("examples", "fuzzing", "stateful"))
    outcome = await fuzz(service, plan, tmp_path)

    assert outcome.is_clean, outcome.output
