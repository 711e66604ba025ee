"""How accounts are opened, and keys issued and revoked, for accounts and for the operators."""

import pytest
from tests.unit.assistants.builders import ACCOUNT, KEY, account, after, time_at

from patchbay.assistants.commands import IssueKey, OpenAccount, RevokeKey
from patchbay.assistants.decide import decide_account, decide_number, decide_operators
from patchbay.assistants.errors import PartNotLoaded
from patchbay.assistants.events import AccountOpened, KeyIssued, KeyRevoked, StreamMended
from patchbay.assistants.evolve import evolve_operators
from patchbay.assistants.rejections import AccountExists, AccountNotOpened, KeyNotFound
from patchbay.assistants.states import Account, Number, Operators


def open_account(name: str = "My Team") -> OpenAccount:
    return OpenAccount(account_id=ACCOUNT, slug="my-team", name=name)


def issue(account_id: str | None = ACCOUNT) -> IssueKey:
    return IssueKey(
        key_id=KEY,
        account_id=account_id,
        name="CI",
        secret_sha256="ab" * 32,
        hint="tk_live_abcd",
        scopes=("*",),
        expires_at=None,
        requests_per_hour=1000,
    )


def test_an_account_is_opened_once() -> None:
    event = decide_account(open_account(), Account(id=ACCOUNT))

    assert event == AccountOpened(account_id=ACCOUNT, slug="my-team", name="My Team")
    assert decide_account(open_account(), account()) is None


def test_an_account_is_not_opened_under_a_second_name() -> None:
    with pytest.raises(AccountExists) as rejection:
        decide_account(open_account("Theirs"), account())

    assert (rejection.value.slug, rejection.value.name) == ("my-team", "My Team")


def test_a_key_is_issued_without_its_secret() -> None:
    event = decide_account(issue(), account())

    assert isinstance(event, KeyIssued)
    assert (event.key_id, event.account_id, event.scopes) == (KEY, ACCOUNT, ("*",))
    assert after(account(), issue()).keys[KEY] is not None


def test_a_key_needs_an_open_account() -> None:
    with pytest.raises(AccountNotOpened):
        decide_account(issue(), Account(id=ACCOUNT))


def test_a_key_is_issued_once() -> None:
    assert decide_account(issue(), after(account(), issue())) is None


def test_a_key_is_revoked_once() -> None:
    state = after(account(), issue())

    assert decide_account(RevokeKey(key_id=KEY), state) == KeyRevoked(key_id=KEY)
    state = after(state, RevokeKey(key_id=KEY), height=5)
    key = state.keys[KEY]
    assert key is not None
    assert key.revoked_at == time_at(5)
    assert decide_account(RevokeKey(key_id=KEY), state) is None


def test_a_key_that_is_not_there_cannot_be_revoked() -> None:
    with pytest.raises(KeyNotFound) as rejection:
        decide_account(RevokeKey(key_id=KEY), account())

    assert rejection.value.key_id == KEY


def test_a_key_that_was_not_loaded_is_the_callers_mistake() -> None:
    with pytest.raises(PartNotLoaded):
        decide_operators(RevokeKey(key_id=KEY), Operators())


def test_operators_have_keys_of_their_own() -> None:
    event = decide_operators(issue(account_id=None), Operators())
    assert isinstance(event, KeyIssued)
    assert event.account_id is None

    operators = evolve_operators(Operators(), event, height=1, time=time_at(1))
    revoked = decide_operators(RevokeKey(key_id=KEY), operators)

    assert revoked == KeyRevoked(key_id=KEY)
    assert decide_operators(issue(account_id=None), operators) is None


def test_a_mend_changes_no_state() -> None:
    mend = StreamMended(stream=ACCOUNT, reason="forged")
    operators = Operators(keys={KEY: None})

    assert evolve_operators(operators, mend, height=2, time=time_at(2)) == operators
    assert account(mend) == account()


def test_a_command_is_decided_in_its_own_stream_only() -> None:
    with pytest.raises(TypeError):
        decide_operators(open_account(), Operators())
    with pytest.raises(TypeError):
        decide_number(open_account(), Number(id="pn_x"))
