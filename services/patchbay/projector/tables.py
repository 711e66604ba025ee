"""The tables of the read model: what GET requests and decisions read."""

from patchbay.projection import ProjectionTables

READ_MODEL = "read_model"

TABLES = ProjectionTables(
    projection=READ_MODEL,
    tables="""
CREATE TABLE {schema}.accounts (
    account_id text COLLATE "C" PRIMARY KEY,
    slug text COLLATE "C" NOT NULL UNIQUE,
    name text NOT NULL,
    created_at text COLLATE "C" NOT NULL
);
CREATE TABLE {schema}.keys (
    key_id text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C",
    secret_sha256 bytea NOT NULL UNIQUE,
    name text NOT NULL,
    hint text NOT NULL,
    scopes text[] NOT NULL,
    expires_at text COLLATE "C",
    requests_per_hour int,
    created_at text COLLATE "C" NOT NULL,
    revoked_at text COLLATE "C",
    retires_at text COLLATE "C",
    replaced_by text COLLATE "C"
);
CREATE INDEX keys_of_accounts ON {schema}.keys (account_id, key_id);
-- The record is the body that clients get, ready made. It stays in one piece and uncompressed up to the page's size.
CREATE TABLE {schema}.assistants (
    assistant_id text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL,
    version int NOT NULL,
    created_at text COLLATE "C" NOT NULL,
    updated_at text COLLATE "C" NOT NULL,
    record bytea NOT NULL
) WITH (toast_tuple_target = 8160, fillfactor = 85);
-- What lists search and sort by, beside the record: rows so narrow that all of an account can be looked through, and
-- the only ones whose indexes change with an update. A name is kept as `patchbay.assistants.searching` folds it.
-- What is alike is told apart by the height of its creation: a second index with the id in it might be taken for the
-- primary key's by a plan that was made for empty tables.
CREATE TABLE {schema}.listed_assistants (
    assistant_id text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL,
    created_height bigint NOT NULL,
    updated_at text COLLATE "C" NOT NULL,
    inbound_enabled bool NOT NULL,
    folded_name text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    voice_provider text COLLATE "C" NOT NULL,
    transcriptor_provider text COLLATE "C" NOT NULL
);
CREATE INDEX listed_assistants_by_creation ON {schema}.listed_assistants (account_id, created_height);
CREATE INDEX listed_assistants_by_update ON {schema}.listed_assistants (account_id, updated_at, created_height);
CREATE INDEX listed_assistants_by_name ON {schema}.listed_assistants (account_id, folded_name, created_height);
CREATE TABLE {schema}.versions (
    assistant_id text COLLATE "C" NOT NULL,
    version int NOT NULL,
    stream text COLLATE "C" NOT NULL,
    height bigint NOT NULL,
    PRIMARY KEY (assistant_id, version)
);
-- The whole record of every 64th version: what was between two is folded from the first and a few events.
CREATE TABLE {schema}.milestones (
    assistant_id text COLLATE "C" NOT NULL,
    version int NOT NULL,
    record bytea NOT NULL,
    PRIMARY KEY (assistant_id, version)
);
CREATE TABLE {schema}.numbers (
    number_id text COLLATE "C" PRIMARY KEY,
    phone_number text COLLATE "C" NOT NULL,
    account_id text COLLATE "C",
    registration bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    fallback text COLLATE "C",
    created_at text COLLATE "C" NOT NULL,
    updated_at text COLLATE "C" NOT NULL
);
CREATE INDEX numbers_of_accounts ON {schema}.numbers (account_id, number_id);
CREATE TABLE {schema}.assignments (
    account_id text COLLATE "C" NOT NULL,
    number_id text COLLATE "C" NOT NULL,
    assistant_id text COLLATE "C" NOT NULL,
    registration bigint NOT NULL,
    PRIMARY KEY (account_id, number_id)
);
CREATE INDEX assignments_of_assistants ON {schema}.assignments (assistant_id);
-- What happened to a number while an account had it: in its own stream, and, with who holds it from then on, in the
-- account's. Only events that changed something of this number.
CREATE TABLE {schema}.number_events (
    number_id text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    stream text COLLATE "C" NOT NULL,
    time timestamptz NOT NULL,
    height bigint NOT NULL,
    assistant_id text COLLATE "C",
    registration bigint,
    PRIMARY KEY (number_id, account_id, stream, time, height)
);
-- What an account is told of its numbers beside its own stream.
CREATE INDEX number_events_of_accounts ON {schema}.number_events (account_id, time, stream, height)
    WHERE stream <> account_id;
""",
)
