"""Where a command looks for Patchbay, and what it says if it is not there."""

import json
from pathlib import Path

import pytest

from patchbay.cli.errors import BadUsage, NotRunning
from patchbay.cli.whereabouts import ENDPOINTS_FILE, OPERATOR_KEY_FILE, ApiAccess, LogAccess, Whereabouts
from patchbay.eventlog import Brokers

ENDPOINTS = {
    "api": "http://127.0.0.1:8080",
    "kafka": "127.0.0.1:20001",
    "database": "postgresql://patchbay@127.0.0.1:20002/patchbay",
    "account_slug": "my-team",
    "account_id": "acct_01jm0000000000000000000001",
    "api_key": "tk_live_account",
    "phone_numbers": [{"id": "pn_01jm0000000000000000000001", "phone_number": "+12025550101"}],
    "pids": {"api": 1},
}
ENVIRON = {
    "PATCHBAY_API": "https://patchbay.example",
    "PATCHBAY_OPERATOR_KEY": "tk_live_there",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
    "TOPIC": "phones",
}


def write_data_dir(path: Path) -> str:
    path.mkdir(exist_ok=True)
    (path / ENDPOINTS_FILE).write_text(json.dumps(ENDPOINTS))
    (path / OPERATOR_KEY_FILE).write_text("tk_live_here\n")
    return str(path)


def test_what_up_has_written_down_is_used(nowhere: Path) -> None:
    """In the default directory, without a word said."""
    write_data_dir(nowhere / ".patchbay")
    found = Whereabouts(None, {})

    assert found.api() == ApiAccess("http://127.0.0.1:8080", "tk_live_here")
    assert found.log() == LogAccess("127.0.0.1:20001", "patchbay.events")
    assert found.default_account() == "my-team"


def test_the_environment_may_name_the_directory(tmp_path: Path) -> None:
    """As it does for `patchbay up`."""
    found = Whereabouts(None, {"DATA_DIR": write_data_dir(tmp_path / "elsewhere")})

    assert found.api().key == "tk_live_here"


def test_the_environment_is_used_instead(nowhere: Path) -> None:
    """For a Patchbay that runs elsewhere; the local one's account is then no default."""
    write_data_dir(nowhere / ".patchbay")
    found = Whereabouts(None, ENVIRON)

    assert found.api() == ApiAccess("https://patchbay.example", "tk_live_there")
    assert found.log() == LogAccess(Brokers(servers="kafka.example:9092"), "phones")
    with pytest.raises(BadUsage, match="--account SLUG"):
        found.default_account()


def test_a_directory_that_is_named_counts_more_than_the_environment(tmp_path: Path) -> None:
    """Who names it means it."""
    found = Whereabouts(write_data_dir(tmp_path), ENVIRON)

    assert found.api() == ApiAccess("http://127.0.0.1:8080", "tk_live_here")
    assert found.log().bootstrap_servers == "127.0.0.1:20001"


@pytest.mark.parametrize(
    ("variable", "missing"), [("PATCHBAY_API", "PATCHBAY_OPERATOR_KEY"), ("PATCHBAY_OPERATOR_KEY", "PATCHBAY_API")]
)
def test_a_key_is_never_sent_to_another_address(nowhere: Path, variable: str, missing: str) -> None:
    """The local operator's key is nobody else's business."""
    write_data_dir(nowhere / ".patchbay")

    with pytest.raises(BadUsage, match=f"^{missing} is not set"):
        Whereabouts(None, {variable: ENVIRON[variable]}).api()


def test_an_account_s_own_key_counts_more_than_the_operator_s(nowhere: Path) -> None:
    """What works on one account needs no more than that; another account's takes the operator's."""
    write_data_dir(nowhere / ".patchbay")
    here = Whereabouts(None, {})
    there = Whereabouts(None, ENVIRON | {"PATCHBAY_KEY": "tk_live_own"})

    assert here.client_api(None) == here.client_api("my-team") == ApiAccess("http://127.0.0.1:8080", "tk_live_account")
    assert here.client_api("acme").key == "tk_live_here"
    assert there.client_api("acme") == ApiAccess("https://patchbay.example", "tk_live_own")
    assert Whereabouts(None, ENVIRON).client_api(None).key == "tk_live_there"
    with pytest.raises(BadUsage, match=r"^PATCHBAY_API is not set"):
        Whereabouts(None, {"PATCHBAY_KEY": "tk_live_own"}).client_api(None)


def test_an_empty_variable_counts_as_absent(nowhere: Path) -> None:
    """As for every process of Patchbay."""
    write_data_dir(nowhere / ".patchbay")

    assert Whereabouts(None, dict.fromkeys(ENVIRON, "")).log().topic == "patchbay.events"


def test_without_a_running_patchbay_it_says_how_to_start_one(nowhere: Path) -> None:
    """One sentence, no traceback."""
    with pytest.raises(NotRunning, match=r"There is no nope/endpoints\.json: start Patchbay with `make run`"):
        Whereabouts("nope", {}).api()

    assert not (nowhere / "nope").exists()


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    """Half a file, or another program's."""
    (tmp_path / ENDPOINTS_FILE).write_text('{"api": 1}')

    with pytest.raises(NotRunning, match=r"endpoints\.json is not what `patchbay up` writes"):
        Whereabouts(str(tmp_path), {}).log()


def test_no_secret_is_shown_by_accident() -> None:
    """A traceback or a log line holds no key."""
    assert "tk_live" not in repr(ApiAccess("http://x", "tk_live_secret"))
    assert "tk_live" not in repr(Whereabouts(None, ENVIRON)._settings)
