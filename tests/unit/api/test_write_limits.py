"""What an account may write in an hour, with the time passed in."""

import pytest

from patchbay.api.authorization import Principal
from patchbay.api.errors import TooManyWrites
from patchbay.api.limits.windows import Windows
from patchbay.api.limits.write_limits import ENVELOPE_BYTES, AccountExceptions, AccountLimits, WriteLimits
from patchbay.api.settings import ApiSettings
from patchbay.api.writing.outcomes import CommandReference, Contended, OutcomeUnknown, Position, Unavailable, Written
from patchbay.assistants.codec import encode_event
from patchbay.assistants.events import AccountOpened
from patchbay.assistants.states import Account
from patchbay.process import Secret, SettingsError, decode_settings
from patchbay.usage import SLOT_SECONDS, slot_at

NOW = 1_800_000_000.0
ACCOUNT = "acct_267cs1k1y9h1trgphamv0ts76q"
EVENT = AccountOpened(account_id=ACCOUNT, slug="my-team", name="x" * 500)
EVENT_BYTES = ENVELOPE_BYTES + len(encode_event(EVENT)[3])


TENANT = Principal(key_id="key_1", account_id=ACCOUNT, account_slug="my-team", scopes=frozenset())


def written(*, changed: bool = True, replayed: bool = False) -> Written:
    return Written(
        event=EVENT if changed else None,
        state=Account(id=ACCOUNT),
        height=1,
        position=Position(0, 1),
        replayed=replayed,
    )


class Tenant:
    """Writes, one after another."""

    def __init__(self, writes: int = 0, size: int = 0, exceptions: str = "") -> None:
        self.windows = Windows()
        limits = AccountLimits(writes_per_hour=writes, bytes_per_hour=size, exceptions=AccountExceptions(exceptions))
        self.limits = WriteLimits(self.windows, limits)

    def write(self, outcome: Written | Exception | None = None, now: float = NOW, body_bytes: int = 0) -> None:
        with self.limits.reserve(TENANT, body_bytes, now) as reservation:
            if isinstance(outcome, Exception):
                raise outcome
            reservation.charge(outcome or written())

    def used(self) -> tuple[int, int]:
        window = self.windows.current(ACCOUNT, slot_at(NOW))
        return window.amount, window.size_bytes


def test_an_account_writes_as_often_as_it_may() -> None:
    account = Tenant(writes=3)
    for _ in range(3):
        account.write()

    with pytest.raises(TooManyWrites) as refused:
        account.write()
    assert account.used() == (3, 3 * EVENT_BYTES)
    account.write(now=NOW + refused.value.retry_after_seconds)


def test_its_bytes_are_those_of_the_events() -> None:
    """However few the request has: a template's text counts too."""
    account = Tenant(size=3 * EVENT_BYTES)
    account.write(body_bytes=10)
    account.write(body_bytes=10)

    with pytest.raises(TooManyWrites):
        account.write(body_bytes=2 * EVENT_BYTES)
    account.write(body_bytes=10)
    with pytest.raises(TooManyWrites):
        account.write(body_bytes=10)


@pytest.mark.parametrize("outcome", [written(changed=False), written(replayed=True), Unavailable("away")])
def test_what_appends_nothing_does_not_count(outcome: Written | Exception) -> None:
    account = Tenant(writes=1)
    for _ in range(5):
        try:
            account.write(outcome)
        except Unavailable:
            continue

    assert account.used() == (0, 0)
    assert account.limits._under_way == {}


@pytest.mark.parametrize("outcome", [OutcomeUnknown(CommandReference(ACCOUNT, 1, "", "")), Contended("lost")])
def test_what_may_be_in_the_log_counts(outcome: Exception) -> None:
    account = Tenant(writes=1)
    with pytest.raises(type(outcome)):
        account.write(outcome, body_bytes=10)

    assert account.used() == (1, ENVELOPE_BYTES + 10)


def test_writes_under_way_count_too() -> None:
    """Else a thousand at once would all pass."""
    account = Tenant(writes=2)
    with (
        account.limits.reserve(TENANT, 0, NOW),
        account.limits.reserve(TENANT, 0, NOW),
        pytest.raises(TooManyWrites),
    ):
        account.write()

    account.write()


def test_a_write_that_is_larger_than_the_limit_is_let_through_once_in_a_while() -> None:
    account = Tenant(size=100)
    account.write()
    with pytest.raises(TooManyWrites):
        account.write()

    account.write(now=NOW + 3_600 + 2 * SLOT_SECONDS)


def test_an_account_may_have_limits_of_its_own() -> None:
    account = Tenant(writes=1, exceptions="other-team=1/1, my-team=2/0")
    account.write()
    account.write()
    with pytest.raises(TooManyWrites):
        account.write()


def test_limits_apply_to_accounts_alone_and_only_where_there_are_some() -> None:
    operator = Principal(key_id="operator", account_id=None, account_slug=None, scopes=frozenset({"*"}))
    none, some = Tenant().limits, Tenant(writes=1).limits

    assert not some.apply_to(operator)
    assert some.apply_to(TENANT)
    assert not none.apply_to(TENANT)
    assert Tenant(exceptions="my-team=0/1").limits.apply_to(TENANT)
    assert not Tenant(writes=1, exceptions="my-team=0/0").limits.apply_to(TENANT)


@pytest.mark.parametrize("text", ["my-team", "my-team=1", "my-team=1/x", "=1/1", "my-team=-1/1", "a-t=1/1;b-t=1/1"])
def test_limits_that_cannot_be_read_are_named(text: str) -> None:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": "k", "DATABASE_URL": "d", "ACCOUNT_WRITE_EXCEPTIONS": text}
    with pytest.raises(SettingsError, match="ACCOUNT_WRITE_EXCEPTIONS"):
        decode_settings(ApiSettings, environ)


def test_there_is_a_limit_unless_somebody_says_otherwise() -> None:
    settings = ApiSettings(kafka_bootstrap_servers="k", database_url=Secret("d"))

    assert settings.account_limits() == AccountLimits(writes_per_hour=20_000, bytes_per_hour=64 * 1024 * 1024)
