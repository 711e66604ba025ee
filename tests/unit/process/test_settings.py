"""Settings are decoded from the environment, and each bad one is named."""

from pathlib import Path

import msgspec
import pytest

from patchbay.process import ProcessSettings, Secret, SettingsError, decode_settings, load_settings


class ExampleSettings(ProcessSettings, frozen=True, kw_only=True):
    database_url: Secret
    api_port: int = 8080
    partitions: int | None = None


def test_each_field_is_the_variable_of_its_name_in_capitals() -> None:
    settings = decode_settings(ExampleSettings, {"DATABASE_URL": "postgresql://x", "API_PORT": "9000"})

    assert settings.database_url.reveal() == "postgresql://x"
    assert settings.api_port == 9000
    assert settings.partitions is None
    assert settings.log_level == "info"


def test_an_empty_variable_counts_as_absent() -> None:
    settings = decode_settings(ExampleSettings, {"DATABASE_URL": "postgresql://x", "API_PORT": ""})

    assert settings.api_port == 8080


def test_every_bad_setting_is_named_not_only_the_first() -> None:
    with pytest.raises(SettingsError) as caught:
        decode_settings(ExampleSettings, {"API_PORT": "eighty", "LOG_LEVEL": "loud"})

    assert [fault.split()[0].rstrip(":") for fault in caught.value.faults] == ["LOG_LEVEL", "DATABASE_URL", "API_PORT"]


def test_a_process_with_bad_settings_ends_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load_settings(ExampleSettings, {"API_PORT": "eighty"})

    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "bad setting: DATABASE_URL is not set",
        "bad setting: API_PORT: expected `int`, got `str`",
    ]


def test_a_secret_hides_itself_however_it_is_printed() -> None:
    settings = decode_settings(ExampleSettings, {"DATABASE_URL": "postgresql://user:sesame@host"})

    shown = f"{settings} {settings.database_url} {settings.database_url!r} {settings.database_url!s}"

    assert "sesame" not in shown


def test_a_secret_is_still_a_text_for_those_who_need_it() -> None:
    secret = Secret("postgresql://user:word@host")

    assert secret.reveal() == "postgresql://user:word@host"
    assert type(secret.reveal()) is str
    assert secret.startswith("postgresql://")
    assert msgspec.json.encode(secret.reveal()) == b'"postgresql://user:word@host"'


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    """As secrets are mounted; a line's end is no part of it."""
    (tmp_path / "url").write_text("postgresql://user:word@host\n")
    settings = decode_settings(ExampleSettings, {"DATABASE_URL_FILE": str(tmp_path / "url")})

    assert settings.database_url.reveal() == "postgresql://user:word@host"


def test_a_file_that_cannot_be_read_and_a_value_told_twice_are_named(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    with pytest.raises(SettingsError) as caught:
        decode_settings(
            ExampleSettings, {"DATABASE_URL_FILE": absent, "API_PORT": "80", "API_PORT_FILE": str(tmp_path / "port")}
        )

    assert caught.value.faults == (
        f"DATABASE_URL: the file {absent} cannot be read: No such file or directory",
        "API_PORT: set by API_PORT_FILE too: set one of the two",
    )
