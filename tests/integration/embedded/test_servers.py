"""Kafka and Postgres of our own: they keep what they were given, whatever happens to their process or port."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition
from tests.servers import eventually

from patchbay.embedded import (
    ServerNotStarted,
    cache_directory,
    fetch,
    kafka_artifacts,
    postgres_artifacts,
    prepare_kafka,
    prepare_postgres,
    running,
    start,
)
from patchbay.embedded.fetch import path_in_cache
from patchbay.embedded.java import find_java
from patchbay.embedded.postgres import answers as postgres_answers
from patchbay.embedded.quick_start import quick_start_file
from patchbay.embedded.unprivileged import Identity, unprivileged_identity


@pytest.fixture(scope="module", autouse=True)
def _files_are_there() -> None:
    fetch([*kafka_artifacts(), *postgres_artifacts()], cache_directory())


async def create(address: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"flush.messages": "1"})])
        assert [error[1] for error in answer.topic_errors] == [0]
    finally:
        await admin.close()


async def append(address: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        await producer.send_and_wait(topic, value, partition=0)


async def read_all(address: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="none", enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        return [(await asyncio.wait_for(consumer.getone(), 10)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_makes_kafkas_start_quick_is_left_aside_where_it_is_damaged(tmp_path: Path, topic: str) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for artifact in kafka_artifacts():
        jar = path_in_cache(artifact, cache)
        jar.parent.mkdir(parents=True, exist_ok=True)
        jar.symlink_to(path_in_cache(artifact, cache_directory()))
    file = quick_start_file(find_java(), [path_in_cache(artifact, cache) for artifact in kafka_artifacts()], cache)
    if file is not None:  # else this Java has none, and nothing can be damaged
        file.write_bytes(b"\0" * 100_000)

    server = prepare_kafka(tmp_path / "kafka", cache=cache)

    assert (f"-XX:AOTCache={file}" in server.launch.command) == (file is not None)
    async with running(server.launch):
        await create(server.address, topic)
        await append(server.address, topic, b"there")
        assert await read_all(server.address, topic, 1) == [b"there"]


async def test_kafka_keeps_an_acknowledged_record_through_a_kill_and_on_other_ports(tmp_path: Path, topic: str) -> None:
    """Its own ports may be taken when it comes back."""
    server = prepare_kafka(tmp_path)
    async with running(server.launch) as process:
        await create(server.address, topic)
        await append(server.address, topic, b"before")
        os.kill(process.pid, signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL

    with socket.create_server(("127.0.0.1", int(server.address.rsplit(":", 1)[1]))):
        elsewhere = prepare_kafka(tmp_path)
        assert elsewhere.address != server.address
        async with running(elsewhere.launch):
            await append(elsewhere.address, topic, b"after")

            assert await read_all(elsewhere.address, topic, 2) == [b"before", b"after"]


def test_kafka_compiles_quickly_unless_the_users_own_options_say_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JDK_JAVA_OPTIONS", raising=False)
    assert "-XX:TieredStopAtLevel=1" in prepare_kafka(tmp_path).launch.command
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-Dx=y -XX:TieredStopAtLevel=4")
    assert not [option for option in prepare_kafka(tmp_path).launch.command if "TieredStopAtLevel" in option]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory whose database is initialised once for all of these tests."""
    directory = tmp_path_factory.mktemp("place")
    prepare_postgres(directory)
    return directory


async def test_postgres_keeps_a_committed_row_through_a_kill(place: Path) -> None:
    server = prepare_postgres(place)
    async with running(server.launch) as process:
        connection = await asyncpg.connect(server.address)
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        connection.terminate()

    async with running(server.launch):
        connection = await asyncpg.connect(server.address)
        kept = await connection.fetchval("SELECT one FROM kept")
        await connection.close()

    assert kept == 1


async def test_postgres_is_durable_and_checks_its_pages(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    shown = [
        await connection.fetchval(f"SHOW {name}")
        for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums", "listen_addresses")
    ]
    await connection.close()

    assert shown == ["on", "on", "on", "on", "127.0.0.1"]


async def test_postgres_wants_its_password(postgres: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres, password="guessed")


def test_the_password_is_readable_by_its_owner_only(place: Path) -> None:
    server = prepare_postgres(place)

    assert (place / "password").stat().st_mode & 0o777 == 0o600
    assert (place / "password").read_text() in server.address


async def test_a_server_that_ends_at_once_says_where_its_log_is(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    server = prepare_postgres(tmp_path)
    (tmp_path / "data" / "global" / "pg_control").unlink()
    process = await start(server.launch)

    with pytest.raises(ServerNotStarted, match=r"postgres did not start: it ended with exit code") as caught:
        await process.wait_ready()

    assert caught.value.log_path == tmp_path / "postgres.log"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
async def test_postgres_runs_where_we_are_root_in_either_way_on_the_same_data(place: Path) -> None:
    identities: tuple[Identity, ...] = ("nobody", unprivileged_identity(), "nobody")
    for identity in identities:
        server = prepare_postgres(place, identity=identity)
        async with running(server.launch):
            connection = await asyncpg.connect(server.address)
            await connection.execute("CREATE TABLE IF NOT EXISTS either AS SELECT 1 AS one")
            kept = await connection.fetchval("SELECT one FROM either")
            await connection.close()

        assert kept == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
async def test_a_server_dies_with_whoever_started_it(place: Path) -> None:
    server = prepare_postgres(place)
    program = (
        "import asyncio, pathlib, sys\n"
        "from patchbay.embedded import prepare_postgres, start\n"
        "async def main():\n"
        "    process = await start(prepare_postgres(pathlib.Path(sys.argv[1])).launch)\n"
        "    await process.wait_ready()\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    keeper = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(place), stdout=asyncio.subprocess.PIPE
    )
    assert keeper.stdout is not None
    assert int(await keeper.stdout.readline()) > 0
    keeper.kill()
    await keeper.wait()

    async def is_away() -> bool:
        return not await postgres_answers(server.address)

    await eventually(is_away)
