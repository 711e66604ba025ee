"""
Kafka and Postgres of our own as in production: TLS, logins, and nobody may do what he was not allowed to.

For tests of what each login may do, and for trials of one's own.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from patchbay.embedded.certificates import Authority
from patchbay.embedded.kafka import TUNING, UNREPLICATED, prepare_broker
from patchbay.embedded.ports import keep_ports
from patchbay.embedded.postgres import prepare_postgres
from patchbay.embedded.server import Server
from patchbay.embedded.tls import Certificate, Tls

ADMINISTRATOR: Final = "administrator"

# Clients log in by SCRAM; those that come by MUTUAL are who their certificate says. The node speaks to itself there.
_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
listeners=CLIENT://127.0.0.1:{client},MUTUAL://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{client},MUTUAL://127.0.0.1:{mutual},CONTROLLER://127.0.0.1:{controller}
inter.broker.listener.name=MUTUAL
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
listener.security.protocol.map=CLIENT:SASL_SSL,MUTUAL:SSL,CONTROLLER:SSL
log.dirs={data}
auto.create.topics.enable=false
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.mutual.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{administrator};User:CN=kafka
"""


class SecuredKafka(msgspec.Struct, frozen=True, kw_only=True):
    """A broker that is ready to be started, and who may come."""

    server: Server
    mutual_address: str  # where clients show a certificate instead of a password
    ca_file: Path
    passwords: Mapping[str, str]  # by user; the administrator may do everything, the others nothing until allowed


class SecuredPostgres(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is ready to be started, whose address is the administrator's; no connection is without TLS."""

    server: Server
    ca_file: Path


def prepare_secured_kafka(directory: Path, authority: Authority, users: Sequence[str]) -> SecuredKafka:
    """
    Make the directory ready for a broker with TLS, logins and an authorizer; its jars are in the cache.

    Args:
        directory: Of the data and the ports; an empty one, since passwords are not kept.
        authority: Signs the broker's certificate.
        users: Who may log in, beside the administrator.

    Raises:
        EmbeddedError: There is no Java, the directory cannot be written, or the storage cannot be formatted.
    """
    directory.mkdir(parents=True, exist_ok=True)
    certificate = authority.issue("kafka")
    passwords = {user: secrets.token_hex(16) for user in (ADMINISTRATOR, *users)}
    ports = keep_ports(directory / "ports.json", "client", "mutual", "controller")
    properties = _PROPERTIES.format(
        data=directory.absolute() / "data",
        keystore=certificate.both.absolute(),
        truststore=authority.file.absolute(),
        administrator=ADMINISTRATOR,
        **ports,
    )
    server = prepare_broker(
        "kafka",
        directory,
        properties + UNREPLICATED + TUNING,
        address=f"127.0.0.1:{ports['client']}",
        heap_megabytes=512,
        log_path=directory / "kafka.log",
        passwords=passwords,
        ca_file=authority.file,
    )
    mutual = f"127.0.0.1:{ports['mutual']}"
    return SecuredKafka(server=server, mutual_address=mutual, ca_file=authority.file, passwords=passwords)


def prepare_secured_postgres(directory: Path, authority: Authority) -> SecuredPostgres:
    """
    Make the directory ready for a server that takes connections by TLS alone; its binaries are in the cache.

    Raises:
        EmbeddedError: The directory cannot be written, or the database cannot be initialised.
    """
    certificate: Certificate = authority.issue("postgres")
    server = prepare_postgres(directory, tls=Tls(certificate=certificate, ca_file=authority.file))
    return SecuredPostgres(server=server, ca_file=authority.file)
