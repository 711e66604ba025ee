"""A plain CRUD service: aiohttp, asyncpg, uvloop; assistants in a jsonb column, phone numbers in a table beside it."""

import json
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import uvloop
from aiohttp import web
from tests.benchmarks.peers.templates import TEMPLATES

POOL: web.AppKey[Any] = web.AppKey("pool")

CREATE_TABLES = """
    CREATE TABLE IF NOT EXISTS assistants (
        id text PRIMARY KEY,
        account_slug text NOT NULL,
        record jsonb NOT NULL
    );
    CREATE TABLE IF NOT EXISTS phone_numbers (
        id text PRIMARY KEY,
        account_slug text NOT NULL,
        phone_number text NOT NULL UNIQUE,
        assistant_id text REFERENCES assistants
    );
    CREATE INDEX IF NOT EXISTS phone_numbers_of_assistant ON phone_numbers (assistant_id);
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
REGISTER = "INSERT INTO phone_numbers (id, account_slug, phone_number) VALUES ($1, $2, $3)"
LOCK_NUMBERS = """
    SELECT id, assistant_id FROM phone_numbers
     WHERE account_slug = $1 AND (id = ANY($2) OR assistant_id = $3)
     ORDER BY id
       FOR UPDATE
"""
GIVE_NUMBERS = """
    UPDATE phone_numbers SET assistant_id = CASE WHEN id = ANY($2) THEN $3 END
     WHERE account_slug = $1 AND (id = ANY($2) OR assistant_id = $3)
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


@routes.post("/api/phone-numbers")
async def register(request: web.Request) -> web.Response:
    """Insert a number that nobody has on an assistant."""
    body = await request.json()
    slug, phone_number = body.get("accountSlug"), body.get("phoneNumber")
    if not isinstance(slug, str) or not isinstance(phone_number, str):
        raise bad_request("accountSlug and phoneNumber are required.")
    number = {"id": f"pn_{uuid.uuid4().hex}", "phone_number": phone_number}
    async with request.app[POOL].acquire() as connection:
        await connection.execute(REGISTER, number["id"], slug, phone_number)
    return web.json_response({"success": True, "phone_number": number})


@routes.patch("/api/assistants/{id}/telephony/phone-numbers")
async def assign(request: web.Request) -> web.Response:
    """Replace an assistant's numbers, in one transaction over both tables."""
    body = await request.json()
    slug, wanted, assistant_id = body.get("accountSlug"), body.get("phoneNumberIds"), request.match_info["id"]
    if not isinstance(slug, str) or not isinstance(wanted, list):
        raise bad_request("accountSlug and phoneNumberIds are required.")
    async with request.app[POOL].acquire() as connection, connection.transaction():
        found = {
            row["id"]: row["assistant_id"] for row in await connection.fetch(LOCK_NUMBERS, slug, wanted, assistant_id)
        }
        if not found.keys() >= set(wanted):
            raise bad_request("phoneNumberIds must be the account's own.")
        if any(found[number] not in {None, assistant_id} for number in wanted) and not body.get("reassign"):
            raise web.HTTPConflict
        await connection.execute(GIVE_NUMBERS, slug, wanted, assistant_id)
        row = await connection.fetchrow(UPDATE, assistant_id, slug, {"phone_number_ids": wanted}, now())
        if row is None:
            raise web.HTTPNotFound
    answer = {"success": True, "phoneNumberIds": wanted, "assistant": row["record"]}
    return web.json_response(answer)


async def use_json(connection: "asyncpg.Connection[Any]") -> None:
    """Have jsonb columns be Python objects, as asyncpg's documentation shows it."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def pool_context(app: web.Application) -> AsyncIterator[None]:
    """Keep the pool for as long as the application runs."""
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], init=use_json) as pool:
        await pool.execute(CREATE_TABLES)
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
