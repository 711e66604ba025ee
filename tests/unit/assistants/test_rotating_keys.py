"""How a new key takes the place of another, in one event."""

import pytest
from msgspec import UNSET, UnsetType
from tests.unit.assistants.builders import ACCOUNT, KEY, account

from patchbay.assistants.commands import IssueKey, RevokeKey, RotateKey
from patchbay.assistants.decide import decide_account, decide_operators
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import KeyIssued, KeyRevoked, ReplacedKey
from patchbay.assistants.needs import missing, needs
from patchbay.assistants.rejections import KeyNotFound, KeyNotInForce
from patchbay.assistants.states import Account, Operators
from patchbay.projector.drafting_keys import KeyDrafts

NEW = "key_01jm5yq3v9f1c8z4t2w7x0k6bp"
NOW = "2026-03-01T12:00:00.000000Z"
LATER = "2026-03-01T13:00:00.000000Z"
MUCH_LATER = "2026-04-01T00:00:00.000000Z"
NOT_LOADED = Account(id=ACCOUNT, slug="my-team", name="My Team")


def issued(
    key_id: str = KEY, expires_at: str | None = None, account_id: str | None = ACCOUNT, replaces: str | None = None
) -> KeyIssued:
    return KeyIssued(
        key_id=key_id,
        account_id=account_id,
        name="CI",
        secret_sha256="ab" * 32,
        hint="tk_live_abcd",
        scopes=("assistants:read", "keys:write"),
        expires_at=expires_at,
        requests_per_hour=77,
        replaces=UNSET if replaces is None else ReplacedKey(key_id=replaces, expires_at=LATER),
    )


def rotate(expires_at: str | UnsetType | None = UNSET) -> RotateKey:
    return RotateKey(
        key_id=NEW,
        replaces=KEY,
        secret_sha256="cd" * 32,
        hint="tk_live_efgh",
        now=NOW,
        overlap_until=LATER,
        expires_at=expires_at,
    )


def rotated(state: Account, expires_at: str | UnsetType | None = UNSET) -> KeyIssued:
    event = decide_account(rotate(expires_at), state)
    assert isinstance(event, KeyIssued)
    return event


def test_the_new_key_is_as_the_one_that_it_replaces() -> None:
    """But for its secret; the old one ends after the overlap."""
    event = rotated(account(issued()))

    assert (event.key_id, event.name, event.scopes, event.requests_per_hour) == (
        NEW,
        "CI",
        ("assistants:read", "keys:write"),
        77,
    )
    assert (event.secret_sha256, event.hint, event.expires_at) == ("cd" * 32, "tk_live_efgh", None)
    assert event.replaces == ReplacedKey(key_id=KEY, expires_at=LATER)


def test_no_overlap_lets_a_key_act_longer_than_it_was_issued_for() -> None:
    soon = "2026-03-01T12:30:00.000000Z"

    event = rotated(account(issued(expires_at=soon)))

    assert event.replaces == ReplacedKey(key_id=KEY, expires_at=soon)
    assert event.expires_at == soon


@pytest.mark.parametrize("expires_at", [MUCH_LATER, None])
def test_the_new_key_may_have_another_expiry(expires_at: str | None) -> None:
    assert rotated(account(issued(expires_at=LATER)), expires_at).expires_at == expires_at


@pytest.mark.parametrize("state", [account(issued(expires_at=NOW)), account(issued(), KeyRevoked(key_id=KEY))])
def test_a_key_that_is_not_in_force_is_not_replaced(state: Account) -> None:
    with pytest.raises(KeyNotInForce):
        decide_account(rotate(), state)


def test_a_key_that_is_not_there_is_not_replaced() -> None:
    with pytest.raises(KeyNotFound):
        decide_account(rotate(), account())
    with pytest.raises(PartNotLoaded):
        decide_account(rotate(), NOT_LOADED)


def test_the_replaced_key_is_what_has_to_be_loaded() -> None:
    assert needs(rotate()).keys == {KEY}
    assert missing(rotate(), NOT_LOADED).keys == {KEY}


def test_an_operators_key_is_replaced_likewise() -> None:
    event = decide_operators(rotate(), Operators(keys=account(issued(account_id=None)).keys))

    assert isinstance(event, KeyIssued)
    assert event.account_id is None


def tables(drafts: KeyDrafts) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    (_, inserted), (_, changed) = drafts.tables()
    return [row[:2] + row[9:] for row in inserted], list(changed)


def test_a_key_that_is_replaced_and_revoked_in_one_batch_is_changed_once() -> None:
    """Two changes of one row in one statement: only one of them would count."""
    drafts = KeyDrafts()
    drafts.issue(issued(NEW, replaces=KEY), NOW)
    drafts.revoke(KEY, ACCOUNT, LATER)

    assert tables(drafts) == ([(NEW, ACCOUNT, None, None, None)], [(KEY, ACCOUNT, LATER, LATER, NEW)])


def test_a_key_that_is_issued_and_replaced_in_one_batch_is_inserted_as_replaced() -> None:
    drafts = KeyDrafts()
    drafts.issue(issued(KEY), NOW)
    drafts.issue(issued(NEW, replaces=KEY), NOW)

    assert tables(drafts) == ([(KEY, ACCOUNT, None, LATER, NEW), (NEW, ACCOUNT, None, None, None)], [])


def test_another_account_s_events_end_no_key() -> None:
    drafts = KeyDrafts()
    drafts.issue(issued(KEY), NOW)
    drafts.issue(issued(NEW, account_id="acct_other", replaces=KEY), NOW)
    drafts.revoke(KEY, None, NOW)

    assert tables(drafts) == ([(KEY, ACCOUNT, None, None, None), (NEW, "acct_other", None, None, None)], [])


def test_a_key_is_issued_once_in_a_batch() -> None:
    drafts = KeyDrafts()

    assert drafts.issue(issued(), NOW)
    assert not drafts.issue(issued(), NOW)


def test_revoking_is_decided_as_before_beside_it() -> None:
    state = account(issued(), issued(NEW, replaces=KEY))

    assert decide_account(RevokeKey(key_id=KEY), state) == KeyRevoked(key_id=KEY)
    assert isinstance(decide_account(_issue_again(), state), KeyIssued)


def _issue_again() -> IssueKey:
    return IssueKey(
        key_id="key_01jm5yq3v9f1c8z4t2w7x0k6bq",
        account_id=ACCOUNT,
        name="k",
        secret_sha256="00" * 32,
        hint="tk_live_0000",
        scopes=("*",),
        expires_at=None,
        requests_per_hour=None,
    )
