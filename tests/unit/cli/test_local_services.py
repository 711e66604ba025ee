"""What `patchbay up` starts its services with."""

from pathlib import Path

from patchbay.cli.local.services import Settings, service_launches

SETTINGS = Settings(
    directory=Path("/nowhere"),
    kafka="127.0.0.1:9092",
    is_own_kafka=True,
    database="postgresql://nobody@127.0.0.1/nothing",
    operator_key="tk_live_0000",
    ports={"projector": 1, "routing": 2, "api": 3},
)


def environ_of_api(**given: str) -> dict[str, str]:
    launches = {launch.name: launch for launch in service_launches(SETTINGS, given)}
    return dict(launches["api"].environ)


def test_an_account_on_one_s_own_machine_writes_as_much_as_it_likes() -> None:
    """Unless its owner says otherwise."""
    unlimited, limited = environ_of_api(), environ_of_api(ACCOUNT_WRITES_PER_HOUR="7")

    assert (unlimited["ACCOUNT_WRITES_PER_HOUR"], unlimited["ACCOUNT_WRITE_BYTES_PER_HOUR"]) == ("0", "0")
    assert (limited["ACCOUNT_WRITES_PER_HOUR"], limited["ACCOUNT_WRITE_BYTES_PER_HOUR"]) == ("7", "0")


def test_the_operator_s_key_itself_is_in_no_environment() -> None:
    """Only its digest: the environment of a process can be read by others."""
    assert "tk_live_0000" not in str(environ_of_api())
