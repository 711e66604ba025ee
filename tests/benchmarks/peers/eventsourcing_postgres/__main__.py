"""Event sourcing as Python's most used library for it has it: `eventsourcing` on Postgres, behind aiohttp."""

import asyncio
import os
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import uvloop
from aiohttp import web
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from tests.benchmarks.peers.templates import TEMPLATES


class Assistant(Aggregate):
    """The aggregate."""

    @event("Created")
    def __init__(self, account_slug: str, name: str, configuration: dict[str, Any]) -> None:
        self.account_slug = account_slug
        self.name = name
        self.configuration = configuration
        self.phone_number_ids: list[str] = []

    @event("Changed")
    def change(self, changes: dict[str, Any]) -> None:
        """Take over what changed."""
        self.configuration = {**self.configuration, **changes}
        self.name = self.configuration.pop("name", self.name)


def as_record(assistant: Assistant) -> dict[str, Any]:
    """Return an assistant as it is answered."""
    return {
        "id": f"asst_{assistant.id.hex}",
        "account_id": f"acct_{assistant.account_slug}",
        "name": assistant.name,
        **assistant.configuration,
        "phone_number_ids": assistant.phone_number_ids,
        "version": assistant.version,
        "created_at": as_text(assistant.created_on),
        "updated_at": as_text(assistant.modified_on),
    }


class Assistants(Application[uuid.UUID]):
    """The application. Snapshots and the cache are what the library's documentation advises for long streams."""

    is_snapshotting_enabled = True
    snapshotting_intervals: ClassVar[dict[Any, int]] = {Assistant: 50}

    def create(self, account_slug: str, name: str, template: dict[str, Any]) -> dict[str, Any]:
        """Save a new assistant."""
        assistant: Assistant = Assistant(account_slug=account_slug, name=name, configuration=template)
        self.save(assistant)
        return as_record(assistant)

    def read(self, assistant_id: uuid.UUID) -> dict[str, Any]:
        """Return an assistant, folded from its events."""
        assistant: Assistant = self.repository.get(assistant_id)
        return as_record(assistant)

    def change(self, assistant_id: uuid.UUID, changes: dict[str, Any]) -> dict[str, Any]:
        """Change an assistant."""
        assistant: Assistant = self.repository.get(assistant_id)
        assistant.change(changes)
        self.save(assistant)
        return as_record(assistant)


APPLICATION: web.AppKey[Assistants] = web.AppKey("application")
routes = web.RouteTableDef()
# Two writers of one aggregate would lose to each other again and again: in one process they can wait instead.
one_at_a_time: defaultdict[uuid.UUID, asyncio.Lock] = defaultdict(asyncio.Lock)


def as_text(time: datetime) -> str:
    """Return the time as the record shows it."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def id_of(request: web.Request) -> uuid.UUID:
    """Return the id that the path names."""
    try:
        return uuid.UUID(hex=request.match_info["id"].removeprefix("asst_"))
    except ValueError:
        raise web.HTTPNotFound from None


@routes.get("/readyz")
async def ready(_request: web.Request) -> web.Response:
    """Answer once the tables are there."""
    return web.json_response({"ready": True})


@routes.post("/api/assistants")
async def create(request: web.Request) -> web.Response:
    """Create an assistant. The library blocks, so that it works in threads."""
    body = await request.json()
    slug, name = body.get("accountSlug"), body.get("name")
    template = TEMPLATES.get(body.get("templateId", "custom"))
    if not isinstance(slug, str) or not isinstance(name, str) or not name.strip() or template is None:
        raise web.HTTPBadRequest
    record = await asyncio.to_thread(request.app[APPLICATION].create, slug, name.strip(), template)
    return web.json_response({"success": True, "assistant": record})


@routes.get("/api/assistants/{id}")
async def read(request: web.Request) -> web.Response:
    """Return an assistant."""
    try:
        record = await asyncio.to_thread(request.app[APPLICATION].read, id_of(request))
    except AggregateNotFoundError:
        raise web.HTTPNotFound from None
    return web.json_response({"success": True, "assistant": record})


@routes.patch("/api/assistants/{id}")
async def update(request: web.Request) -> web.Response:
    """Change an assistant."""
    changes, assistant_id = await request.json(), id_of(request)
    slug = changes.pop("accountSlug", None)
    if not isinstance(slug, str) or changes.keys() - TEMPLATES["custom"].keys() - {"name"}:
        raise web.HTTPBadRequest
    async with one_at_a_time[assistant_id]:
        try:
            record = await asyncio.to_thread(request.app[APPLICATION].change, assistant_id, changes)
        except AggregateNotFoundError:
            raise web.HTTPNotFound from None
    return web.json_response({"success": True, "assistant": record})


def settings() -> dict[str, str]:
    """Return the library's settings for the database that DATABASE_URL names."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": url.path.lstrip("/"),
        "POSTGRES_HOST": url.hostname or "",
        "POSTGRES_PORT": str(url.port),
        "POSTGRES_USER": url.username or "",
        "POSTGRES_PASSWORD": url.password or "",
        "AGGREGATE_CACHE_MAXSIZE": "1000",
    }


async def application_context(app: web.Application) -> AsyncIterator[None]:
    """Keep the application for as long as the process runs."""
    with await asyncio.to_thread(Assistants, settings()) as application:
        app[APPLICATION] = application
        yield


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application()
    app.add_routes(routes)
    app.cleanup_ctx.append(application_context)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), loop=uvloop.new_event_loop(), print=None)


if __name__ == "__main__":
    main()
