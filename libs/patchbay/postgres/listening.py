"""Wake-ups by NOTIFY: a hint that something moved, on a connection of its own that is watched and opened again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import NamedTuple

import structlog

from patchbay.postgres.connections import Connection, open_connection
from patchbay.postgres.errors import DATABASE_FAILURES

log = structlog.get_logger()

HEARTBEAT_SECONDS = 2.0  # a connection that died silently is noticed within this and the timeout
HEARTBEAT_TIMEOUT_SECONDS = 2.0
RECONNECT_SECONDS = (0.05, 2.0)  # first and longest pause between attempts

OnWake = Callable[[str], None]
OnNotice = Callable[[int, str], None]  # process id of the sender's backend, and payload


class Wakes:
    """Wake-ups on one channel. None is owed: whoever waits must look for itself after the timeout too."""

    def __init__(self) -> None:
        self.connected = False
        self._event = asyncio.Event()

    async def wait(self, timeout_seconds: float) -> bool:
        """Return True at the next wake-up or since the last wait, False after `timeout_seconds` without one."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    def wake(self) -> None:
        """Wake whoever waits."""
        self._event.set()


@asynccontextmanager
async def listen(
    database_url: str,
    channel: str,
    on_wake: OnWake | None = None,
    also: Mapping[str, OnNotice] = MappingProxyType({}),
) -> AsyncIterator[Wakes]:
    """
    Listen to `channel` until the end, on a connection of its own; a lost one is opened again.

    Does not wait for the first connection. After every (re)connection there is one wake-up with an empty payload,
    since others may have been missed; and one when a connection is lost.

    Args:
        database_url: `postgresql://…`, with its password.
        channel: The NOTIFY channel, a plain identifier.
        on_wake: Called with each payload, in the loop's thread; must not raise.
        also: Further channels of the same connection, and what is called with each of their notifications.
    """
    wakes = Wakes()
    listening = _Listening(channel, wakes, on_wake, also)
    task = asyncio.create_task(_keep_listening(database_url, listening), name=f"listen {channel}")
    try:
        yield wakes
    finally:
        task.cancel()
        await asyncio.wait([task])


class _Listening(NamedTuple):
    channel: str
    wakes: Wakes
    on_wake: OnWake | None
    also: Mapping[str, OnNotice]

    def hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self.tell(str(payload))

    def tell(self, payload: str) -> None:
        self.wakes.wake()
        if self.on_wake is not None:
            self.on_wake(payload)

    def hear_also(self, _connection: object, pid: int, channel: str, payload: object) -> None:
        self.also[channel](pid, str(payload))


async def _keep_listening(database_url: str, listening: _Listening) -> None:
    channel, wakes = listening.channel, listening.wakes
    pause_seconds, longest_seconds = RECONNECT_SECONDS
    while True:
        try:
            async with open_connection(
                database_url, name=f"listen {channel}", command_timeout_seconds=HEARTBEAT_TIMEOUT_SECONDS
            ) as connection:
                await _listen(connection, listening)
        except DATABASE_FAILURES as error:
            if wakes.connected:
                pause_seconds = RECONNECT_SECONDS[0]
                listening.tell("")
            wakes.connected = False
            log.warning("listening_interrupted", channel=channel, reason=str(error) or type(error).__name__)
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, longest_seconds)


async def _listen(connection: Connection, listening: _Listening) -> None:
    """Listen until the connection fails, which raises what the database raised."""
    ended = asyncio.Event()

    connection.add_termination_listener(lambda _connection: ended.set())
    for channel in listening.also:
        await connection.add_listener(channel, listening.hear_also)
    await connection.add_listener(listening.channel, listening.hear)
    listening.wakes.connected = True
    listening.hear(connection, 0, listening.channel, "")
    while True:
        # asyncpg does not notice a connection that died without a word (asyncpg #519).
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await ended.wait()
        except TimeoutError:
            await connection.execute("SELECT 1")
        else:
            raise ConnectionResetError("the server closed the connection")
