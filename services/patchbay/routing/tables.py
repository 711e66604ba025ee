"""The tables of the routing projection, and the public view over them that SIP routers read."""

from patchbay.projection import ProjectionTables

ROUTING = "routing"

TABLES = ProjectionTables(
    projection=ROUTING,
    tables="""
-- From the numbers' streams. Two ids cannot have one number: the id is derived from it.
CREATE TABLE {schema}.numbers (
    number_id text COLLATE "C" PRIMARY KEY,
    phone_number text COLLATE "C" NOT NULL UNIQUE,
    account_id text COLLATE "C",
    registration bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    fallback text COLLATE "C",
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
-- From the accounts' streams.
CREATE TABLE {schema}.assignments (
    account_id text COLLATE "C" NOT NULL,
    number_id text COLLATE "C" NOT NULL,
    assistant_id text COLLATE "C" NOT NULL,
    registration bigint NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, number_id)
);
CREATE INDEX assignments_of_assistants ON {schema}.assignments (assistant_id);
-- From the accounts' streams: only assistants that answer calls.
CREATE TABLE {schema}.assistants (
    assistant_id text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (assistant_id, account_id)
);
""",
    publish="""
CREATE SCHEMA IF NOT EXISTS routing;
CREATE OR REPLACE VIEW routing.inbound AS
SELECT n.phone_number AS number,
       n.account_id AS account,
       g.assistant_id AS assistant,
       CASE WHEN n.status <> 'active' THEN 'suspended'
            WHEN g.assistant_id IS NULL THEN 'unassigned'
            WHEN a.assistant_id IS NULL THEN 'inbound_disabled'
            ELSE 'routed' END AS outcome,
       CASE WHEN n.status <> 'active' OR a.assistant_id IS NULL THEN n.fallback END AS fallback,
       CASE WHEN g.assistant_id IS NULL THEN n.partition || ':' || n."offset"
            ELSE n.partition || ':' || n."offset" || ' ' || g.partition || ':' || greatest(g."offset", a."offset")
            END AS position,
       greatest(n.updated_at, g.updated_at, a.updated_at) AS updated_at
  FROM {schema}.numbers n
  LEFT JOIN {schema}.assignments g
    ON g.account_id = n.account_id AND g.number_id = n.number_id AND g.registration = n.registration
  LEFT JOIN {schema}.assistants a
    ON a.assistant_id = g.assistant_id AND a.account_id = g.account_id
 WHERE n.account_id IS NOT NULL;
COMMENT ON VIEW routing.inbound IS 'Which assistant answers which inbound number: one row per registered number.';
COMMENT ON COLUMN routing.inbound.number IS 'E.164, with the plus sign.';
COMMENT ON COLUMN routing.inbound.account IS 'The account that owns the number.';
COMMENT ON COLUMN routing.inbound.assistant IS
    'The assistant that answers if outcome is routed; else the one that holds the number, or null if none does.';
COMMENT ON COLUMN routing.inbound.outcome IS 'routed, unassigned, inbound_disabled or suspended.';
COMMENT ON COLUMN routing.inbound.fallback IS 'Where to send the call unless it is routed; null: nowhere.';
COMMENT ON COLUMN routing.inbound.position IS
    'The newest events that the row follows from: partition:offset of the number''s, then of the account''s.';
COMMENT ON COLUMN routing.inbound.updated_at IS 'Time of the newest of these events.';
-- A view that was dropped and made anew is still theirs to read.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'call_router') THEN
        GRANT USAGE ON SCHEMA routing TO call_router;
        GRANT SELECT ON routing.inbound TO call_router;
    END IF;
END $$;
""",
)
