"""Settings of how Kafka is reached and as whom, of every process and of the commands."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from patchbay.settings.errors import SettingsError
from patchbay.settings.secret import Secret

if TYPE_CHECKING:  # a command that needs no Kafka does not wait until its client is loaded
    from patchbay.eventlog import Brokers

SecurityProtocol: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism: TypeAlias = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
_LOGS_IN = ("SASL_PLAINTEXT", "SASL_SSL")
_IS_ENCRYPTED = ("SSL", "SASL_SSL")


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What brokers ask of a client; checked as a whole, so that no password waits for a protocol that takes none."""

    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_ssl_ca_file: str | None = None
    kafka_ssl_certificate_file: str | None = None
    kafka_ssl_key_file: str | None = None
    kafka_sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: Secret | None = None

    def __post_init__(self) -> None:
        faults = tuple(self._faults())
        if faults:
            raise SettingsError(faults)

    def brokers_at(self, servers: str) -> "Brokers":
        """Return the brokers there, with all that they ask for."""
        from patchbay.eventlog import Brokers  # noqa: PLC0415 - see above

        password = self.kafka_sasl_password
        return Brokers(
            servers=servers,
            protocol=self.kafka_security_protocol,
            ca_file=self.kafka_ssl_ca_file,
            certificate_file=self.kafka_ssl_certificate_file,
            key_file=self.kafka_ssl_key_file,
            mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_sasl_username,
            password=None if password is None else password.reveal(),
        )

    def _faults(self) -> Iterator[str]:
        protocol = self.kafka_security_protocol
        logins = {"KAFKA_SASL_USERNAME": self.kafka_sasl_username, "KAFKA_SASL_PASSWORD": self.kafka_sasl_password}
        files = {
            "KAFKA_SSL_CA_FILE": self.kafka_ssl_ca_file,
            "KAFKA_SSL_CERTIFICATE_FILE": self.kafka_ssl_certificate_file,
            "KAFKA_SSL_KEY_FILE": self.kafka_ssl_key_file,
        }
        for users, variables, wanted in ((_LOGS_IN, logins, "SASL_SSL"), (_IS_ENCRYPTED, files, "SSL or SASL_SSL")):
            named = [variable for variable, value in variables.items() if value is not None]
            if named and protocol not in users:
                yield f"{named[0]}: KAFKA_SECURITY_PROTOCOL is {protocol}, which has no use for it; set it to {wanted}"
        if protocol in _LOGS_IN:
            for variable, value in logins.items():
                if value is None:
                    yield f"{variable} is not set, and KAFKA_SECURITY_PROTOCOL={protocol} needs it"
        if protocol == "SASL_PLAINTEXT" and self.kafka_sasl_mechanism == "PLAIN":
            yield "KAFKA_SASL_MECHANISM: PLAIN would send the password without TLS; use SASL_SSL, or SCRAM-SHA-512"
        if self.kafka_ssl_key_file is not None and self.kafka_ssl_certificate_file is None:
            yield "KAFKA_SSL_KEY_FILE: there is no KAFKA_SSL_CERTIFICATE_FILE that it is the key of"
        if protocol in _IS_ENCRYPTED:
            yield from self._unusable_files()

    def _unusable_files(self) -> Iterator[str]:
        from patchbay.eventlog import LogRefused  # noqa: PLC0415 - see above

        try:
            self.brokers_at("").ssl_context()
        except LogRefused as error:
            yield f"KAFKA_SSL_CA_FILE, KAFKA_SSL_CERTIFICATE_FILE: {error}"


def without_kafka_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what it says of brokers elsewhere: those that are used ask for nothing."""
    names = [field.upper() for field in KafkaSettings.__struct_fields__]
    told = {*names, *(f"{name}_FILE" for name in names)}
    return {name: value for name, value in environ.items() if name not in told}
