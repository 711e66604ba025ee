"""The API's process: settings, logging, open, serve, drain, close."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from patchbay.api.application import ROUTES
from patchbay.api.authentication import KeyRing
from patchbay.api.backend import Backend, Executes
from patchbay.api.beginning import once_there
from patchbay.api.certificates import ServerCertificate
from patchbay.api.description.published import publish
from patchbay.api.feed.catching_up import PAGES_AT_ONCE
from patchbay.api.feed.feed import Feed, FeedLimits
from patchbay.api.limits.rate_limits import RateLimits
from patchbay.api.limits.sharing import Sharing
from patchbay.api.limits.windows import Windows
from patchbay.api.limits.write_limits import WriteLimits
from patchbay.api.list_cursors import ListCursors
from patchbay.api.live import LiveGenerations, read_generations
from patchbay.api.readiness import Watch
from patchbay.api.reading.accounts import Accounts
from patchbay.api.reading.assistants import Assistants
from patchbay.api.reading.audit import AuditTrail
from patchbay.api.reading.commands import Commands
from patchbay.api.reading.events import Events
from patchbay.api.reading.inbound import Inbound
from patchbay.api.reading.listing import AssistantLists
from patchbay.api.reading.log_times import LogTimes
from patchbay.api.reading.number_history import NumberHistory
from patchbay.api.reading.numbers import Numbers
from patchbay.api.reading.positions import Positions
from patchbay.api.reading.principals import Principals
from patchbay.api.reading.reader import Reader
from patchbay.api.reading.snapshots import Snapshots
from patchbay.api.reading.versions import Versions
from patchbay.api.serving import CannotListen, serve
from patchbay.api.settings import ApiSettings
from patchbay.api.tokens import Tokens
from patchbay.api.tracing import application_of, writer_of
from patchbay.api.writing.writer import open_writer
from patchbay.assistants import ids
from patchbay.eventlog import (
    Brokers,
    LogIdentity,
    calm_client,
    check_topic,
    end_offsets,
    open_appender,
    open_log,
)
from patchbay.postgres import IN_ORDER, Pool, listen, open_pool
from patchbay.process import Health, configure_logging, load_settings, metrics, run
from patchbay.projection import ACCEPTED_CHANNEL, CHANNEL
from patchbay.tracing import open_tracing
from patchbay.usage import CHANNEL as USAGE_CHANNEL

if TYPE_CHECKING:
    from patchbay.tracing.spans import Spans

COMMAND_SECONDS = 2.0  # of one statement: what takes longer is not answered in time anyway
EVENTS_SECONDS = 10.0  # of one page of the history


_log = structlog.get_logger()


def main() -> None:
    """Run the process."""
    settings = load_settings(ApiSettings)
    configure_logging("api", level=settings.log_level, log_format=settings.log_format)
    # What aiohttp logs as an error here is what some client sent that is not HTTP.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    try:
        certificate = settings.certificate()
    except ValueError as error:
        sys.stderr.write(f"bad setting: API_TLS_CERTIFICATE_FILE, API_TLS_KEY_FILE: {error}\n")
        raise SystemExit(2) from None
    with calm_client():
        run(lambda stop: _until_stopped(settings, certificate, stop))


async def _until_stopped(settings: ApiSettings, certificate: ServerCertificate | None, stop: asyncio.Event) -> None:
    async with (
        open_tracing("api", settings, settings.topic) as spans,
        _open_backend(settings, stop, spans) as (backend, watch, sharing),
    ):
        gc.collect()
        gc.freeze()  # what is there by now stays for ever: no collection needs to look at it again
        try:
            async with (
                serve(
                    application_of(backend, spans), settings.api_host, settings.api_port, settings.limits(), certificate
                ) as port,
                _background(watch.run(), sharing.run(), backend.feed.run()),
            ):
                _log.info("api_started", host=settings.api_host, port=port)
                await stop.wait()
                await _leave(backend.health, settings.api_leave_seconds)
                backend.feed.end_all()
                _log.info("api_draining")
        except CannotListen as error:
            sys.stderr.write(f"{error}\n")
            raise SystemExit(2) from None
    _log.info("api_stopped")


async def _leave(health: Health, seconds: float) -> None:
    """Go on answering, not ready, until who balances the load sends requests elsewhere."""
    health.stopping = True
    _log.info("api_leaving", seconds=seconds)
    await asyncio.sleep(seconds)


@asynccontextmanager
async def _open_backend(
    settings: ApiSettings, stop: asyncio.Event, spans: "Spans | None" = None
) -> AsyncIterator[tuple[Backend, Watch, Sharing]]:
    url, brokers = settings.database_url.reveal(), settings.brokers_at(settings.kafka_bootstrap_servers)
    async with AsyncExitStack() as stack:
        identity = await once_there("log", stop, url, lambda: _open_log(settings, brokers))
        pool = await once_there("database", stop, url, lambda: stack.enter_async_context(_open_pool(settings)))
        live = LiveGenerations(pool, await once_there("projections", stop, url, lambda: read_generations(pool)))
        appender = await stack.enter_async_context(open_appender(brokers, identity))
        appender.on_session_end(lambda _session, reason: metrics.append_sessions_ended.labels(reason).inc())
        writer, settler, announcements = await stack.enter_async_context(
            open_writer(pool=pool, live=live, appender=appender, identity=identity)
        )
        reader = Reader(pool, live)
        # Streams have connections of their own: however many catch up, no write waits behind them.
        feed_pool = await once_there(
            "database", stop, url, lambda: stack.enter_async_context(_open_feed_pool(settings))
        )
        events = Events(Reader(feed_pool, live), identity.partition_count)
        windows = Windows()
        sharing = Sharing(windows, pool)
        executes = writer_of(writer, spans)
        backend = _assemble(settings, identity, reader=reader, events=events, writer=executes, windows=windows)
        stack.push_async_callback(backend.key_ring.close)

        def wake(payload: str) -> None:
            if not payload:
                announcements.start_over()
            settler.wake(payload)
            backend.positions.wake()
            backend.feed.wake(payload)

        await stack.enter_async_context(listen(url, CHANNEL, wake, {ACCEPTED_CHANNEL: announcements.hear}))
        await stack.enter_async_context(listen(url, USAGE_CHANNEL, on_wake=sharing.hear))
        watch = Watch(
            reader,
            appender,
            lambda: check_topic(brokers, identity),
            lambda: end_offsets(brokers, identity),
            most_lag_records=settings.ready_lag_records,
        )
        watch.report_to(backend.health)
        yield backend, watch, sharing


def _assemble(
    settings: ApiSettings, identity: LogIdentity, *, reader: Reader, events: Events, writer: Executes, windows: Windows
) -> Backend:
    key_ring = KeyRing(Principals(reader), settings.operator_key_sha256)
    return Backend(
        log_id=identity.log_id,
        operators_stream=ids.operators_id(identity.log_id),
        tokens=Tokens(identity.log_id, identity.partition_count),
        key_ring=key_ring,
        rate_limits=RateLimits(windows),
        write_limits=WriteLimits(windows, settings.account_limits()),
        writer=writer,
        assistants=Assistants(reader),
        numbers=Numbers(reader),
        accounts=Accounts(reader),
        inbound=Inbound(reader),
        versions=(versions := Versions(reader)),
        number_history=(number_history := NumberHistory(reader)),
        audit=AuditTrail(reader, versions, number_history),
        log_times=LogTimes(reader),
        commands=Commands(reader),
        lists=AssistantLists(reader),
        list_cursors=ListCursors(identity.log_id),
        positions=Positions(reader),
        events=events,
        feed=Feed(events, identity, key_ring, _feed_limits(settings)),
        snapshots=Snapshots(settings.database_url.reveal(), identity.log_id, identity.partition_count),
        health=Health(),
        published=publish(ROUTES),
    )


def _feed_limits(settings: ApiSettings) -> FeedLimits:
    return FeedLimits(
        streams=settings.event_streams,
        streams_per_key=settings.event_streams_per_key,
        heartbeat_seconds=settings.event_heartbeat_seconds,
        buffer_bytes=settings.event_buffer_bytes,
    )


async def _open_log(settings: ApiSettings, brokers: Brokers) -> LogIdentity:
    return await open_log(
        brokers,
        settings.topic,
        create_with_partitions=settings.partitions,
        replication_factor=settings.replication_factor,
    )


def _open_pool(settings: ApiSettings) -> AbstractAsyncContextManager[Pool]:
    return open_pool(
        settings.database_url.reveal(),
        name="api",
        min_connections=2,
        max_connections=settings.database_connections,
        command_timeout_seconds=COMMAND_SECONDS,
        session=IN_ORDER,
    )


def _open_feed_pool(settings: ApiSettings) -> AbstractAsyncContextManager[Pool]:
    return open_pool(
        settings.database_url.reveal(),
        name="api events",
        min_connections=1,
        max_connections=PAGES_AT_ONCE + 1,  # one is the tail's
        command_timeout_seconds=EVENTS_SECONDS,
        session=IN_ORDER,
    )


@asynccontextmanager
async def _background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do the work beside the block; if any of it fails, so does the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        yield
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    main()
