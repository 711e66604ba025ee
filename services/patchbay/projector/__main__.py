"""The projector: folds the log into the read model, and keeps the history."""

import asyncio
import functools
import sys

from patchbay.eventlog import calm_client, open_reader
from patchbay.process import Health, Secret, configure_logging, load_settings, run
from patchbay.process.health_server import serve_health
from patchbay.projection import Progress, Projector, find_log, keeping_generations, prepare_here, rebuild_here, traced
from patchbay.projector.composition import PROJECTION
from patchbay.projector.recording import Recorder
from patchbay.tracing import TracingSettings, open_tracing
from patchbay.usage import TABLES as USAGE_TABLES


class ProjectorSettings(TracingSettings, frozen=True, kw_only=True):
    """What the projector process needs to know."""

    kafka_bootstrap_servers: str
    database_url: Secret
    topic: str = "patchbay.events"
    health_host: str = "127.0.0.1"
    health_port: int = 8081


def main() -> None:
    """
    Start the process; it ends at SIGTERM or SIGINT.

    With the argument `rebuild` it fills a generation and ends, with `prepare` it makes the tables and ends.
    """
    if sys.argv[1:2] == ["prepare"]:
        sys.exit(prepare_here(PROJECTION.tables, USAGE_TABLES))
    settings = load_settings(ProjectorSettings)
    configure_logging("projector", level=settings.log_level, log_format=settings.log_format)
    with calm_client():
        if sys.argv[1:2] == ["rebuild"]:
            sys.exit(rebuild_here(PROJECTION, settings, sys.argv[2:]))
        run(functools.partial(serve, settings))


async def serve(settings: ProjectorSettings, stop: asyncio.Event) -> None:
    """Project until `stop` is set."""
    progress = Progress(PROJECTION.tables.projection)
    health = Health()
    health.add_readiness("projection", progress.readiness_fault)
    health.add_readiness("stop", lambda: "the process is stopping" if stop.is_set() else None)
    health.add_liveness("projection", progress.liveness_fault)
    brokers = settings.brokers_at(settings.kafka_bootstrap_servers)
    async with (
        serve_health(settings.health_host, settings.health_port, health),
        open_tracing("projector", settings, settings.topic) as spans,
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
        recording = asyncio.create_task(Recorder(url).run())
        try:
            async with keeping_generations(PROJECTION, identity, reader, database_url=url, instance_id=instance_id):
                await projector.run(stop)
        finally:
            recording.cancel()
            await asyncio.wait([recording])


if __name__ == "__main__":
    main()
