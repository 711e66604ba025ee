"""A mistake in what a process is told of its servers: one clear sentence and exit code 2, and never a hang."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from tests.forked import Start
from tests.secured import Secured
from tests.system.guarantees.servers import SYSTEM

from patchbay.embedded import Launch, free_port
from patchbay.embedded.certificates import Authority

Ended = Callable[[str, Mapping[str, str]], Awaitable[tuple[int, str]]]

_SECONDS = 60.0


@pytest_asyncio.fixture(loop_scope="session")
async def ended(starting: Start, tmp_path: Path) -> Ended:
    """Give what starts a process that cannot start, and tells its exit code and the last sentence that it has said."""
    return partial(_ended, starting, tmp_path)


async def _ended(starting: Start, logs: Path, process: str, environ: Mapping[str, str]) -> tuple[int, str]:
    port = str(free_port())
    log_path = logs / f"{process}-{port}.log"
    launch = Launch(
        name=process,
        command=(sys.executable, "-m", f"patchbay.{process}"),
        environ={**SYSTEM, **environ, "API_PORT": port, "HEALTH_PORT": port, "LOG_FORMAT": "json"},
        log_path=log_path,
        probe=_never,
    )
    started = await starting(launch)
    try:
        code = await asyncio.wait_for(started.wait(), _SECONDS)
    finally:
        await started.kill()
    last = log_path.read_text().strip().rpartition("\n")[2]
    return code, json.loads(last)["reason"] if last.startswith("{") else last


async def _never() -> bool:
    return False


def without(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in names}


async def test_each_mistake_about_kafka_is_told(secured: Secured, ended: Ended, tmp_path: Path) -> None:
    good = secured.environ("projector", "projector")
    told = {
        "takes no clients without TLS": (
            "speaks TLS: KAFKA_SECURITY_PROTOCOL=PLAINTEXT has to be SSL or SASL_SSL",
            {
                "KAFKA_BOOTSTRAP_SERVERS": good["KAFKA_BOOTSTRAP_SERVERS"],
                "DATABASE_URL_FILE": good["DATABASE_URL_FILE"],
            },
        ),
        "another authority": (
            "is not trusted (unable to get local issuer certificate): KAFKA_SSL_CA_FILE has to hold",
            good | {"KAFKA_SSL_CA_FILE": str(Authority(tmp_path).file)},
        ),
        "no such file": (
            "KAFKA_SSL_CERTIFICATE_FILE: the authority in /nowhere/ca.crt cannot be used: No such file or directory",
            good | {"KAFKA_SSL_CA_FILE": "/nowhere/ca.crt"},
        ),
        "another password": (
            "does not take the login patchbay-projector: KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD is wrong",
            without(good, "KAFKA_SASL_PASSWORD_FILE") | {"KAFKA_SASL_PASSWORD": "sesame"},
        ),
        "a login without a protocol": (
            "bad setting: KAFKA_SASL_USERNAME: KAFKA_SECURITY_PROTOCOL is PLAINTEXT, which has no use for it",
            without(good, "KAFKA_SECURITY_PROTOCOL", "KAFKA_SSL_CA_FILE"),
        ),
        "a topic of others": (
            "the login patchbay-projector may not Describe, Read topic theirs: `patchbay topic rights` tells",
            good | {"TOPIC": "theirs"},
        ),
    }
    endings = await asyncio.gather(*(ended("projector", environ) for _, environ in told.values()))

    for (what, (sentence, _)), (code, last) in zip(told.items(), endings, strict=True):
        assert (what, code, sentence in last) == (what, 2, True), last


async def test_each_mistake_about_postgres_is_told(secured: Secured, ended: Ended, tmp_path: Path) -> None:
    good = without(secured.environ("routing", "routing"), "DATABASE_URL_FILE")
    url = secured.database_url("routing")
    base, other = url.partition("?")[0], str(Authority(tmp_path).file)
    told = {
        "without TLS": ("does not let this login in (no pg_hba.conf entry for host", f"{base}?sslmode=disable"),
        "another authority": ("is not trusted", f"{base}?sslmode=verify-full&sslrootcert={other}"),
        "no such file": (
            "DATABASE_URL: sslrootcert cannot be used: /nowhere/ca.crt: No such file",
            f"{base}?sslmode=verify-full&sslrootcert=/nowhere/ca.crt",
        ),
        "another password": (
            'does not let this login in (password authentication failed for user "patchbay_routing")',
            url.replace(secured.words["patchbay_routing"], "sesame"),
        ),
        "another's login": ("this login may not do what it has to at Postgres", secured.database_url("router")),
    }
    endings = await asyncio.gather(*(ended("routing", good | {"DATABASE_URL": each}) for _, each in told.values()))

    for (what, (sentence, _)), (code, last) in zip(told.items(), endings, strict=True):
        assert (what, code, sentence in last) == (what, 2, True), last
        assert "sesame" not in last


@pytest.mark.parametrize(
    ("kind", "login", "sentence"),
    [
        ("projector", "api", "the login patchbay-projector may not Write topic patchbay.events"),
        ("api", "router", "this login may not do what it has to at Postgres"),
    ],
)
async def test_an_api_that_may_not_do_its_work_says_so(
    secured: Secured, ended: Ended, kind: str, login: str, sentence: str
) -> None:
    """With another's login it would take writes that it cannot append, or have no table to read."""
    code, last = await ended("api", secured.environ(kind, login))

    assert (code, sentence in last) == (2, True), last
