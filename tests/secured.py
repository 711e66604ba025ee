"""Servers as in production: TLS, a login for each process, and no right that its work does not need."""

import asyncio
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from patchbay.embedded import cache_directory, fetch, kafka_artifacts, postgres_artifacts
from patchbay.embedded.certificates import Authority
from patchbay.embedded.secured import (
    ADMINISTRATOR,
    SecuredKafka,
    SecuredPostgres,
    prepare_secured_kafka,
    prepare_secured_postgres,
)
from patchbay.eventlog import RIGHTS, Brokers, grant_rights
from patchbay.projection import API_ROLE, PROJECTOR_ROLE, ROUTER_ROLE, ROUTING_ROLE

OWNER = "patchbay_owner"  # no superuser: owns one database, and may make roles
LOGINS: Mapping[str, str] = {  # of Postgres, by process
    "api": API_ROLE,
    "projector": PROJECTOR_ROLE,
    "routing": ROUTING_ROLE,
    "router": ROUTER_ROLE,
    "owner": OWNER,
}
_DATABASE = "phones"
_COMMAND_SECONDS = 60.0


class Secured(msgspec.Struct, frozen=True, kw_only=True):
    """A Kafka and a Postgres, and as whom each process comes to them."""

    directory: Path
    authority: Authority
    kafka: SecuredKafka
    postgres: SecuredPostgres
    topic: str
    words: Mapping[str, str]  # by login of Postgres

    def brokers(self, kind: str) -> Brokers:
        """Return the brokers for a kind of login, as in `RIGHTS`, or for the administrator."""
        user = RIGHTS[kind].user if kind in RIGHTS else kind
        return Brokers(
            servers=self.kafka.server.address,
            protocol="SASL_SSL",
            ca_file=str(self.authority.file),
            username=user,
            password=self.kafka.passwords[user],
        )

    def database_url(self, who: str) -> str:
        """Return the database's URL for a process, or its owner."""
        login = LOGINS[who]
        parts = urlsplit(self.postgres.server.address)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{login}:{self.words[login]}@{host}", path=f"/{_DATABASE}"))

    def environ(self, kind: str, database: str | None = None) -> dict[str, str]:
        """Return the settings of a process; its secrets stand in files."""
        brokers = self.brokers(kind)
        files = {"KAFKA_SASL_PASSWORD": brokers.password or ""}
        if database is not None:
            files["DATABASE_URL"] = self.database_url(database)
        told = {
            "KAFKA_BOOTSTRAP_SERVERS": brokers.servers,
            "KAFKA_SECURITY_PROTOCOL": brokers.protocol,
            "KAFKA_SSL_CA_FILE": str(self.authority.file),
            "KAFKA_SASL_USERNAME": brokers.username or "",
            "TOPIC": self.topic,
        }
        for name, content in files.items():
            file = self.directory / f"{kind}.{name.lower()}"
            file.write_text(f"{content}\n")
            told[f"{name}_FILE"] = str(file)
        return told

    async def let_in_by_certificate(self, name: str) -> Brokers:
        """Let somebody read the log who shows a certificate instead of a password, and return how he comes."""
        shown = self.authority.issue(name)
        await grant_rights(self.brokers(ADMINISTRATOR), self.topic, {"reader": f"User:CN={name}"})
        return Brokers(
            servers=self.kafka.mutual_address,
            protocol="SSL",
            ca_file=str(self.authority.file),
            certificate_file=str(shown.certificate),
            key_file=str(shown.key),
        )

    async def prepare(self) -> None:
        """Have everything made that the services find, by the commands and under the logins of those who do so."""
        await asyncio.gather(self._prepare_log(), self._prepare_database())

    async def _prepare_log(self) -> None:
        await _patchbay(self.environ(ADMINISTRATOR), "topic", "rights", "--apply")
        await _patchbay(self.environ("topic"), "topic", "create", "--partitions", "4")

    async def _prepare_database(self) -> None:
        administrator = await asyncpg.connect(self.postgres.server.address)
        try:
            await administrator.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{self.words[OWNER]}'")
            await administrator.execute(f"CREATE DATABASE {_DATABASE} OWNER {OWNER} TEMPLATE template0")
        finally:
            await administrator.close()
        await _patchbay(self.environ("reader", "owner"), "database", "prepare")
        owner = await asyncpg.connect(self.database_url("owner"))
        try:
            for login in set(LOGINS.values()) - {OWNER}:
                await owner.execute(f"ALTER ROLE {login} LOGIN PASSWORD '{self.words[login]}'")
        finally:
            await owner.close()


async def prepare_secured(directory: Path, topic: str) -> Secured:
    """Make the directory ready for both servers; they are started by whoever asked for them."""
    await asyncio.to_thread(fetch, (*kafka_artifacts(), *postgres_artifacts()), cache_directory())
    authority = Authority(directory / "authority")
    users = [found.user for found in RIGHTS.values()]
    kafka, postgres = await asyncio.gather(
        asyncio.to_thread(prepare_secured_kafka, directory / "kafka", authority, users),
        asyncio.to_thread(prepare_secured_postgres, directory / "postgres", authority),
    )
    return Secured(
        directory=directory,
        authority=authority,
        kafka=kafka,
        postgres=postgres,
        topic=topic,
        words={login: secrets.token_hex(16) for login in LOGINS.values()},
    )


async def _patchbay(environ: Mapping[str, str], *typed: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "patchbay.cli", *typed), env=dict(environ), stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), _COMMAND_SECONDS)

    assert process.returncode == 0, (typed, out, err)
