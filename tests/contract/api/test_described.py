"""The check that every other test here goes through sees an answer that is not as docs/openapi.yaml says."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from multidict import CIMultiDict
from tests.contract.api.described import DOCUMENT, Undescribed, check_answer

ONE = "/api/assistants/{assistantId}"
PATH = "/api/assistants/asst_01khrj346afabr24pa3eywnyp2"
HEADERS = {"Content-Type": "application/json", "Request-Id": "req_1"}
EXAMPLE: dict[str, Any] = DOCUMENT["paths"][ONE]["get"]["responses"]["200"]["content"]["application/json"]["example"]
ASSISTANT = EXAMPLE["assistant"]
REFUSAL = {"success": False, "error": "There is none.", "code": "not_found", "status": 404}


def check(body: object, status: int = 200, path: str = PATH, headers: Mapping[str, str] = HEADERS) -> None:
    """Check an answer to a GET."""
    check_answer("GET", path, status=status, headers=CIMultiDict(headers), body=json.dumps(body).encode())


def test_an_answer_as_described_passes() -> None:
    check(EXAMPLE, headers=HEADERS | {"ETag": '"1"'})
    check(REFUSAL, 404)


@pytest.mark.parametrize(
    "body",
    [
        {**EXAMPLE, "secret": "x"},
        {**EXAMPLE, "success": False},
        {"success": True},
        {"success": True, "assistant": {**ASSISTANT, "secret": "x"}},
        {"success": True, "assistant": {**ASSISTANT, "id": "asst_1"}},
        {"success": True, "assistant": {**ASSISTANT, "version": "1"}},
        {"success": True, "assistant": {**ASSISTANT, "created_at": "yesterday"}},
        {"success": True, "assistant": {name: value for name, value in ASSISTANT.items() if name != "model"}},
    ],
    ids=lambda body: json.dumps(body)[-60:],
)
def test_a_member_too_many_too_few_or_of_another_kind_is_seen(body: object) -> None:
    with pytest.raises(Undescribed, match="is not as described"):
        check(body)


def test_a_code_that_the_operation_does_not_name_is_seen() -> None:
    with pytest.raises(Undescribed, match="is not as described"):
        check({**REFUSAL, "code": "number_taken"}, 404)


def test_a_status_that_the_operation_does_not_name_is_seen() -> None:
    with pytest.raises(Undescribed, match="409 is not described"):
        check({**REFUSAL, "status": 409}, 409)


def test_a_header_field_that_the_answer_does_not_name_is_seen() -> None:
    with pytest.raises(Undescribed, match="Location"):
        check(EXAMPLE, headers=HEADERS | {"Location": "/api/commands/cmd_1"})


def test_another_media_type_is_seen() -> None:
    with pytest.raises(Undescribed, match="text/plain"):
        check(EXAMPLE, headers=HEADERS | {"Content-Type": "text/plain"})


def test_a_request_that_was_taken_and_should_not_have_been_is_seen() -> None:
    sent = json.dumps({"accountSlug": "my-team", "temperature": 3}).encode()
    with pytest.raises(Undescribed, match="the request is not as described"):
        check_answer("PATCH", PATH, sent, status=200, headers=CIMultiDict(HEADERS), body=json.dumps(EXAMPLE).encode())


def test_a_failure_outside_of_all_operations_has_the_shape_of_failures() -> None:
    check(REFUSAL, 404, path="/api/nothing")
    with pytest.raises(Undescribed):
        check({"message": "Not Found"}, 404, path="/api/nothing")
