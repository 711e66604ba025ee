"""What is said of TLS and logins to Kafka fits together, or is refused before anything is opened."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from patchbay.embedded.certificates import Authority
from patchbay.settings import KafkaSettings, SettingsError, decode_settings, without_kafka_settings

LOGIN = {"KAFKA_SASL_USERNAME": "patchbay-api", "KAFKA_SASL_PASSWORD": "sesame"}


def test_all_that_is_said_reaches_the_client(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    shown = authority.issue("client")
    (tmp_path / "word").write_text("sesame\n")
    environ = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SSL_CA_FILE": str(authority.file),
        "KAFKA_SSL_CERTIFICATE_FILE": str(shown.certificate),
        "KAFKA_SSL_KEY_FILE": str(shown.key),
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
        "KAFKA_SASL_USERNAME": "patchbay-api",
        "KAFKA_SASL_PASSWORD_FILE": str(tmp_path / "word"),
    }
    settings = decode_settings(KafkaSettings, environ)
    brokers = settings.brokers_at("k:9092")
    options = brokers.client_options()

    assert options.pop("ssl_context").check_hostname
    assert options == {
        "bootstrap_servers": "k:9092",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "patchbay-api",
        "sasl_plain_password": "sesame",
    }
    assert "sesame" not in f"{settings} {brokers} {brokers!r}"


def test_nothing_said_is_no_tls_and_no_login() -> None:
    assert decode_settings(KafkaSettings, {}).brokers_at("k:9092").client_options() == {
        "bootstrap_servers": "k:9092",
        "security_protocol": "PLAINTEXT",
    }


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        (LOGIN, "KAFKA_SASL_USERNAME: KAFKA_SECURITY_PROTOCOL is PLAINTEXT, which has no use for it"),
        ({"KAFKA_SSL_CA_FILE": "/x"}, "KAFKA_SSL_CA_FILE: KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "x"},
            "KAFKA_SASL_PASSWORD is not set, and KAFKA_SECURITY_PROTOCOL=SASL_SSL needs it",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_FILE": "/nowhere"},
            "the authority in /nowhere cannot be used",
        ),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTIFICATE_FILE": "/etc/hostname"}, "cannot be used"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY_FILE": "/x"}, "there is no KAFKA_SSL_CERTIFICATE_FILE"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN", **LOGIN},
            "PLAIN would send the password without TLS",
        ),
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: "),
    ],
)
def test_what_does_not_fit_together_is_told(environ: Mapping[str, str], fault: str) -> None:
    with pytest.raises(SettingsError) as refused:
        decode_settings(KafkaSettings, environ)

    assert fault in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_servers_of_one_s_own_are_told_nothing_of_others() -> None:
    kept = without_kafka_settings({"TOPIC": "t", "KAFKA_SASL_PASSWORD_FILE": "/x", "KAFKA_SECURITY_PROTOCOL": "SSL"})

    assert kept == {"TOPIC": "t"}
