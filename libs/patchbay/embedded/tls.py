"""Files by which a server of our own shows who it is."""

from pathlib import Path

import msgspec


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a certificate, in PEM; the key has no pass phrase."""

    certificate: Path
    key: Path
    both: Path  # the key, then the certificate, as Kafka reads them


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """What a server needs that takes connections by TLS alone."""

    certificate: Certificate
    ca_file: Path  # whom its clients trust
