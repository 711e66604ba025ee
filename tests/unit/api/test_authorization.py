"""Scopes, accounts, and what a key may issue."""

import pytest

from patchbay.api.authorization import NOBODY, Principal
from patchbay.api.errors import BeyondOwnPower, MissingScope, OtherAccount
from patchbay.assistants import ids

LOG_ID = "ab" * 32
ACCOUNT = ids.account_id(LOG_ID, "my-team")


def key(*scopes: str, requests_per_hour: int | None = None, expires_at: str | None = None) -> Principal:
    return Principal(
        key_id="key_1",
        account_id=ACCOUNT,
        account_slug="my-team",
        scopes=frozenset(scopes),
        requests_per_hour=requests_per_hour,
        expires_at=expires_at,
    )


OPERATOR = Principal(key_id="operator", account_id=None, account_slug=None, scopes=frozenset({"*"}))


@pytest.mark.parametrize("scope", ["*", "assistants:*", "assistants:read"])
def test_a_scope_is_held_by_name_or_by_a_wildcard(scope: str) -> None:
    key(scope).demand("assistants:read")


@pytest.mark.parametrize("scope", ["assistants:write", "keys:*", "phone-numbers:read"])
def test_another_scope_does_not_help(scope: str) -> None:
    with pytest.raises(MissingScope):
        key(scope).demand("assistants:read")


def test_nobody_may_do_anything_and_is_no_operator() -> None:
    assert not NOBODY.is_operator
    with pytest.raises(MissingScope):
        NOBODY.demand("assistants:read")
    with pytest.raises(OtherAccount):
        NOBODY.demand_own(ACCOUNT, "It")


def test_a_key_knows_its_own_slug_only() -> None:
    assert key("*").account_of_slug("my-team", LOG_ID) == ACCOUNT
    with pytest.raises(OtherAccount):
        key("*").account_of_slug("your-team", LOG_ID)


def test_an_operator_may_name_any_account() -> None:
    assert OPERATOR.account_of_slug("my-team", LOG_ID) == ACCOUNT
    OPERATOR.demand_slug({"accountSlug": "your-team"})
    OPERATOR.demand_own(ACCOUNT, "It")


@pytest.mark.parametrize("body", [{}, {"accountSlug": 3}, {"accountSlug": "my-team"}])
def test_a_body_that_names_no_other_account_is_left_to_its_validation(body: dict[str, object]) -> None:
    key("*").demand_slug(body)


def test_a_body_that_names_another_account_is_refused() -> None:
    with pytest.raises(OtherAccount):
        key("*").demand_slug({"accountSlug": "your-team"})


@pytest.mark.parametrize(
    ("issuer", "scopes", "limit", "expires_at"),
    [
        (key("keys:*"), ("assistants:read",), None, None),
        (key("keys:*", "assistants:read"), ("assistants:*",), None, None),
        (key("assistants:*", "keys:*"), ("*",), None, None),
        (key("*", requests_per_hour=10), ("*",), 11, None),
        (key("*", requests_per_hour=10), ("*",), None, None),
        (key("*", expires_at="2027-01-01T00:00:00.000000Z"), ("*",), 1, None),
        (key("*", expires_at="2027-01-01T00:00:00.000000Z"), ("*",), 1, "2027-01-02T00:00:00.000000Z"),
    ],
)
def test_a_key_issues_none_that_can_do_more(
    issuer: Principal, scopes: tuple[str, ...], limit: int | None, expires_at: str | None
) -> None:
    with pytest.raises(BeyondOwnPower):
        issuer.demand_power_to_issue(scopes, limit, expires_at)


def test_a_key_issues_what_can_do_as_much() -> None:
    key("*").demand_power_to_issue(("*",), None, None)
    key("keys:*", "assistants:*", requests_per_hour=10).demand_power_to_issue(
        ("assistants:*", "assistants:read", "keys:write"), 10, "2027-01-01T00:00:00.000000Z"
    )
