"""What the commands say of who may do what; nothing is connected to."""

import json

import pytest

from patchbay.cli.__main__ import dispatch
from patchbay.eventlog import RIGHTS
from patchbay.projection import GRANT_RIGHTS, ROLES


def test_the_api_alone_may_append_by_what_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPIC", "phones")
    code = dispatch(["topic", "rights", "--user", "api=User:ours", "--user", "reader=User:CN=router", "--json"])
    api, reader = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert code == 0
    assert (api["principal"], api["name"], api["cluster"]) == ("User:ours", "phones", ["IdempotentWrite"])
    assert "Write" in api["topic"]
    assert (reader["principal"], reader["cluster"]) == ("User:CN=router", [])
    assert {"Write", "Create", "AlterConfigs"}.isdisjoint(reader["topic"])


def test_every_kind_has_a_command_of_kafka_s_own_tool(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["topic", "rights"]) == 0
    lines = capsys.readouterr().out.splitlines()

    for rights in RIGHTS.values():
        assert any(f"--allow-principal User:{rights.user} " in line for line in lines)
    (writing,) = [line for line in lines if "--operation Write" in line]
    assert "--allow-principal User:patchbay-api " in writing
    assert writing.endswith("--topic patchbay.events")


@pytest.mark.parametrize("user", ["writer=User:x", "api", "api=x"])
def test_a_kind_or_a_principal_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str], user: str) -> None:
    """Or else rights would be given to nobody, without a word."""
    assert dispatch(["topic", "rights", "--user", user]) == 2
    assert "KIND=User:NAME" in capsys.readouterr().err


def test_the_sql_makes_and_grants_every_role_and_gives_nobody_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["database", "roles"]) == 0
    sql = capsys.readouterr().out

    assert all(f"CREATE ROLE {role} NOLOGIN" in sql for role in ROLES)
    assert GRANT_RIGHTS in sql
    assert "PASSWORD" not in sql
