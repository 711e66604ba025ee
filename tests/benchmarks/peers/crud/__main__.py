"""A plain CRUD service of assistants: aiohttp, asyncpg, uvloop, one table with a jsonb column."""

import json
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uvloop
from aiohttp import web
from tests.benchmarks.peers.crud.templates import TEMPLATES

POOL: web.AppKey[Any] = web.AppKey("pool")

CREATE_TABLE = """
    CREATE TABLE IF NOT EXISTS assistants (
        id text PRIMARY KEY,
        account_slug text NOT NULL,
        record jsonb NOT NULL
    )
"""
INSERT = "INSERT INTO assistants (id, account_slug, record) VALUES ($1, $2, $3) RETURNING record"
SELECT = "SELECT record FROM assistants WHERE id = $1"
UPDATE = """
    UPDATE assistants
       SET record = record || $3::jsonb
                    || jsonb_build_object('version', (record->>'version')::int + 1, 'updated_at', $4::text)
     WHERE id = $1 AND account_slug = $2
 RETURNING record
"""

routes = web.RouteTableDef()


def now() -> str:
    """Return the time as the record shows it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def bad_request(error: str) -> web.HTTPBadRequest:
    """Return the answer to a request that is wrong."""
    return web.HTTPBadRequest(text=json.dumps({"success": False, "error": error}), content_type="application/json")


@routes.get("/readyz")
async def ready(_request: web.Request) -> web.Response:
    """Answer once the table is there."""
    return web.json_response({"ready": True})


@routes.post("/api/assistants")
async def create(request: web.Request) -> web.Response:
    """Insert an assistant made from a template and return the row."""
    body = await request.json()
    slug, name = body.get("accountSlug"), body.get("name")
    template = TEMPLATES.get(body.get("templateId", "custom"))
    if not isinstance(slug, str) or not isinstance(name, str) or not name.strip() or template is None:
        raise bad_request("accountSlug and name are required, templateId must be known.")
    time = now()
    record = {
        "id": f"asst_{uuid.uuid4().hex}",
        "account_id": f"acct_{slug}",
        "name": name.strip(),
        **template,
        "phone_number_ids": [],
        "version": 1,
        "created_at": time,
        "updated_at": time,
    }
    async with request.app[POOL].acquire() as connection:
        row = await connection.fetchrow(INSERT, record["id"], slug, record)
    return web.json_response({"success": True, "assistant": row["record"]})


@routes.get("/api/assistants/{id}")
async def read(request: web.Request) -> web.Response:
    """Return the row."""
    async with request.app[POOL].acquire() as connection:
        row = await connection.fetchrow(SELECT, request.match_info["id"])
    if row is None:
        raise web.HTTPNotFound
    return web.json_response({"success": True, "assistant": row["record"]})


@routes.patch("/api/assistants/{id}")
async def update(request: web.Request) -> web.Response:
    """Merge the fields into the row, in one statement, and return it."""
    changes = await request.json()
    slug = changes.pop("accountSlug", None)
    unknown = changes.keys() - TEMPLATES["custom"].keys() - {"name"}
    if not isinstance(slug, str) or unknown:
        raise bad_request(f"accountSlug is required; unknown fields: {sorted(unknown)}.")
    async with request.app[POOL].acquire() as connection:
        row = await connection.fetchrow(UPDATE, request.match_info["id"], slug, changes, now())
    if row is None:
        raise web.HTTPNotFound
    return web.json_response({"success": True, "assistant": row["record"]})


async def use_json(connection: "asyncpg.Connection[Any]") -> None:
    """Have jsonb columns be Python objects, as asyncpg's documentation shows it."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def pool_context(app: web.Application) -> AsyncIterator[None]:
    """Keep the pool for as long as the application runs."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], init=use_json) as pool:
        await pool.execute(CREATE_TABLE)
        app[POOL] = pool
        yield


def main() -> None:
    """Serve until SIGTERM."""
    app = web.Application()
    app.add_routes(routes)
    app.cleanup_ctx.append(pool_context)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), loop=uvloop.new_event_loop(), print=None)


if __name__ == "__main__":
    main()
