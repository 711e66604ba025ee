"""The routing process: folds the log into the table of inbound numbers that call routing reads."""

import asyncio
import functools
import sys

from patchbay.eventlog import calm_client, open_reader
from patchbay.process import Health, Secret, configure_logging, load_settings, run
from patchbay.process.health_server import serve_health
from patchbay.projection import Progress, Projector, find_log, keeping_generations, prepare_here, rebuild_here, traced
from patchbay.routing.composition import PROJECTION
from patchbay.routing.routers import letting_routers_in
from patchbay.tracing import TracingSettings, open_tracing


class RoutingSettings(TracingSettings, frozen=True, kw_only=True):
    """What the routing process needs to know."""

    kafka_bootstrap_servers: str
    database_url: Secret
    topic: str = "patchbay.events"
    health_host: str = "127.0.0.1"
    health_port: int = 8082


def main() -> None:
    """
    Start the process; it ends at SIGTERM or SIGINT.

    With the argument `rebuild` it fills a generation and ends, with `prepare` it makes the tables and ends.
    """
    if sys.argv[1:2] == ["prepare"]:
        sys.exit(prepare_here(PROJECTION.tables))
    settings = load_settings(RoutingSettings)
    configure_logging("routing", level=settings.log_level, log_format=settings.log_format)
    with calm_client():
        if sys.argv[1:2] == ["rebuild"]:
            sys.exit(rebuild_here(PROJECTION, settings, sys.argv[2:]))
        run(functools.partial(serve, settings))


async def serve(settings: RoutingSettings, stop: asyncio.Event) -> None:
    """Project until `stop` is set."""
    progress = Progress(PROJECTION.tables.projection)
    health = Health()
    health.add_readiness("projection", progress.readiness_fault)
    health.add_readiness("stop", lambda: "the process is stopping" if stop.is_set() else None)
    health.add_liveness("projection", progress.liveness_fault)
    brokers = settings.brokers_at(settings.kafka_bootstrap_servers)
    async with (
        serve_health(settings.health_host, settings.health_port, health),
        open_tracing("routing", settings, settings.topic) as spans,
    ):
        identity = await find_log(brokers, settings.topic, progress=progress, stop=stop)
        if identity is None:
            return
        reader = functools.partial(open_reader, brokers, identity)
        url, instance_id = settings.database_url.reveal(), settings.instance_id
        projector = Projector(
            traced(PROJECTION, spans),
            identity,
            reader,
            database_url=url,
            instance_id=instance_id,
            progress=progress,
        )
        async with (
            letting_routers_in(url),
            keeping_generations(PROJECTION, identity, reader, database_url=url, instance_id=instance_id),
        ):
            await projector.run(stop)


if __name__ == "__main__":
    main()
