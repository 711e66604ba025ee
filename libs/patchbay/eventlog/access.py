"""How the brokers are reached and as whom: one argument wherever the log is opened."""

import ssl
from typing import Any, TypeAlias

import msgspec

from patchbay.eventlog.errors import LogRefused
from patchbay.settings.kafka import SaslMechanism, SecurityProtocol


class Brokers(msgspec.Struct, frozen=True, kw_only=True):
    """The brokers, and what they ask of a client."""

    servers: str  # host:port, several with commas between
    protocol: SecurityProtocol = "PLAINTEXT"
    ca_file: str | None = None  # PEM; None: whom the machine trusts
    certificate_file: str | None = None  # PEM, for brokers that ask clients for one
    key_file: str | None = None  # PEM, without a pass phrase
    mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Brokers({self.servers!r}, {self.protocol})"  # one of the others is a secret

    def __str__(self) -> str:
        return self.servers

    @property
    def is_encrypted(self) -> bool:
        """True if connections are TLS."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def logs_in(self) -> bool:
        """True if a client says who it is by name and password."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    def client_options(self) -> dict[str, Any]:
        """
        Return what every client of aiokafka is to be made with.

        The files are read anew each time, so the next client has what was renewed.

        Raises:
            LogRefused: A file cannot be used.
        """
        options: dict[str, Any] = {"bootstrap_servers": self.servers, "security_protocol": self.protocol}
        if self.is_encrypted:
            options["ssl_context"] = self.ssl_context()
        if self.logs_in:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return options

    def ssl_context(self) -> ssl.SSLContext:
        """
        Return the context of TLS: the server's certificate and name are verified, always.

        Raises:
            LogRefused: A file cannot be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise LogRefused(f"the authority in {self.ca_file} cannot be used: {_reason(error)}") from None
        if self.certificate_file is not None:
            try:
                # With a pass phrase of its own, or else OpenSSL would ask for one at the terminal.
                context.load_cert_chain(self.certificate_file, self.key_file, password="")
            except (OSError, ValueError) as error:
                files = f"{self.certificate_file} with the key in {self.key_file or 'it'}"
                raise LogRefused(f"the certificate in {files} cannot be used: {_reason(error)}") from None
        return context


# A text alone: brokers that ask for neither TLS nor a login.
BootstrapServers: TypeAlias = Brokers | str


def brokers_at(bootstrap_servers: BootstrapServers) -> Brokers:
    """Return the same, as a struct."""
    return bootstrap_servers if isinstance(bootstrap_servers, Brokers) else Brokers(servers=bootstrap_servers)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)
