"""The table of failures: nothing that can be raised is without a status."""

import json
from collections.abc import Iterator

import pytest

from patchbay.api import errors
from patchbay.api.failures import OURS, TABLE, answer_failure, failure_of, unsettled
from patchbay.api.writing import outcomes
from patchbay.assistants.errors import InvalidBody, Issue
from patchbay.assistants.rejections import NumberTaken, Rejection, Taken

REFERENCE = outcomes.CommandReference("acct_01", 7, "ef" * 32, "01" * 32)
STATUSES = {202, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 503}


def leaves(root: type[Exception]) -> Iterator[type[Exception]]:
    below = root.__subclasses__()
    if not below:
        yield root
    for each in below:
        yield from leaves(each)


@pytest.mark.parametrize("root", [Rejection, outcomes.WriteFailed, errors.RefusedRequest])
def test_every_failure_has_a_status(root: type[Exception]) -> None:
    assert {each.__name__ for each in leaves(root)} - {each.__name__ for each in TABLE} == set()


def test_only_statuses_of_the_contract_are_answered() -> None:
    assert {failure.status for failure in TABLE.values()} <= STATUSES


def test_every_503_and_429_says_when_to_come_back() -> None:
    samples: list[Exception] = [
        outcomes.Unavailable("away"),
        outcomes.Contended("lost"),
        outcomes.Quarantined("stopped"),
        errors.TooManyRequests(1, 17),
        errors.NotCaughtUp("routing"),
        errors.KeysUnreadable(),
        ConnectionRefusedError(),
        TimeoutError(),
    ]

    assert all("Retry-After: " in answer_failure(error).fields for error in samples)


def test_an_error_has_its_shape() -> None:
    issues = (Issue(path="temperature", code="out_of_range", message="too hot"),)

    answer = answer_failure(InvalidBody(issues))

    assert json.loads(answer.body) == {
        "success": False,
        "error": json.loads(answer.body)["error"],
        "code": "invalid_request",
        "status": 400,
        "issues": [{"path": "temperature", "code": "out_of_range", "message": "too hot"}],
    }


def test_a_conflict_names_the_assistant_that_holds_the_number() -> None:
    taken = Taken(number_id="pn_1", assistant_id="asst_1", assistant_name="Sales")

    body = json.loads(answer_failure(NumberTaken((taken,))).body)

    assert (body["status"], body["code"], body["assistant_id"]) == (409, "number_taken", "asst_1")


def test_what_nobody_foresaw_tells_no_details() -> None:
    answer = answer_failure(ValueError("a secret"))

    assert failure_of(ValueError()) is OURS
    assert answer.status == 500
    assert b"secret" not in answer.body


def test_a_pending_write_is_no_failure() -> None:
    answer = unsettled(outcomes.Pending(REFERENCE, ("routing",)), "cmd_x")

    assert answer.status == 202
    assert answer.fields == "Location: /api/commands/cmd_x\r\n"
    assert json.loads(answer.body) == {
        "success": True,
        "pending": True,
        "command": {"id": "cmd_x", "status": "pending", "waiting_for": ["routing"]},
    }


def test_an_unknown_outcome_says_where_to_ask() -> None:
    answer = unsettled(outcomes.OutcomeUnknown(REFERENCE), "cmd_x")
    body = json.loads(answer.body)

    assert (answer.status, body["code"], body["command"]) == (503, "outcome_unknown", {"id": "cmd_x"})
    assert "Location: /api/commands/cmd_x\r\n" in answer.fields
