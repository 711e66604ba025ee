"""No request costs more than it did: counted, so that neither the machine nor its load has a say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from tests.simulation.costing import count_costs, exceeded, read_kept

from patchbay.api.handlers import assistants
from patchbay.api.writing.remembering import Memory
from patchbay.assistants import validation
from patchbay.projection.committing import Committer

HINT = "If it has to be so, `python -m tests.simulation.costing --write` keeps the new costs; say why in the commit."


@contextmanager
def _a_statement_more_before_each_decision() -> Iterator[None]:
    with patch.object(Memory, "recall", lambda *_: None):
        yield


@contextmanager
def _a_key_read_for_each_request() -> Iterator[None]:
    with patch("patchbay.api.authentication.FRESH_SECONDS", -1.0):
        yield


@contextmanager
def _a_body_checked_again_and_again() -> Iterator[None]:
    def check_often(decoded: Any) -> Any:
        for _ in range(5):
            checked = validation.check_create(decoded)
        return checked

    with patch.object(assistants, "check_create", check_often):
        yield


@contextmanager
def _a_statement_more_in_each_commit() -> Iterator[None]:
    store = Committer._store

    async def store_after_another(self: Committer, *arguments: Any) -> Any:
        await self._connection.fetch("SELECT projection, generation FROM projection.live")
        return await store(self, *arguments)

    with patch.object(Committer, "_store", store_after_another):
        yield


PLANTED = [
    (_a_statement_more_before_each_decision, "create: 2."),
    (_a_key_read_for_each_request, "GET: 2 round trips"),
    (_a_body_checked_again_and_again, "steps, api"),
    (_a_statement_more_in_each_commit, "create: 2."),
]


def test_no_request_costs_more_than_it_did() -> None:
    """Steps of Python, round trips to the database and records: at most what is kept, and a tenth."""
    found = exceeded(count_costs(), read_kept())

    assert not found, "\n".join([*found, HINT])


@pytest.mark.parametrize(("plant", "told"), PLANTED)
def test_a_planted_slowdown_is_told(plant: Callable[[], Any], told: str) -> None:
    """What makes a request dearer is found, and named."""
    with plant():
        found = exceeded(count_costs(), read_kept())

    assert any(told in each for each in found), found
