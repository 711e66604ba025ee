"""
Who may do what in the database: one login owns all that is there, and each process has one that can do its work alone.

The owner prepares the database, and rebuilds, swaps and drops generations. What is granted to roles is granted anew
with each generation; where there are no such roles, as on one's own machine, nothing is.
"""

from typing import Final

from patchbay.postgres import Connection

API_ROLE: Final = "patchbay_api"
PROJECTOR_ROLE: Final = "patchbay_projector"
ROUTING_ROLE: Final = "patchbay_routing"
ROUTER_ROLE: Final = "call_router"  # what SIP routers log in under, or are members of
ROLES: Final = (API_ROLE, PROJECTOR_ROLE, ROUTING_ROLE, ROUTER_ROLE)

# Nobody can log in under them until an administrator says how: `ALTER ROLE … LOGIN PASSWORD …`, or a member.
MAKE_ROLES: Final = "".join(
    f"""DO $$ BEGIN
    CREATE ROLE {role} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- it is there
END $$;
"""
    for role in ROLES
)

# Only what belongs to who runs this, or to a role of his: others grant what is theirs.
GRANT_RIGHTS: Final = f"""DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT w.role, w.privileges, n.nspname AS schema
          FROM (VALUES
            -- The API reads everything and writes nothing: what it changes, it changes in the log.
            ('{API_ROLE}', '^(projection|history|usage|routing|(read_model|routing)_[0-9]+)$', 'SELECT'),
            ('{PROJECTOR_ROLE}', '^projection$', 'SELECT'),
            ('{PROJECTOR_ROLE}', '^history$', 'SELECT, INSERT'),
            ('{PROJECTOR_ROLE}', '^(usage|read_model_[0-9]+)$', 'SELECT, INSERT, UPDATE, DELETE'),
            ('{ROUTING_ROLE}', '^(projection|history)$', 'SELECT'),
            ('{ROUTING_ROLE}', '^routing_[0-9]+$', 'SELECT, INSERT, UPDATE, DELETE'),
            ('{ROUTER_ROLE}', '^routing$', 'SELECT')
          ) AS w (role, schemas, privileges)
          JOIN pg_roles r ON r.rolname = w.role
          JOIN pg_namespace n ON n.nspname ~ w.schemas AND pg_has_role(n.nspowner, 'USAGE')
         ORDER BY 1, 3
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', found.schema, found.role);
        EXECUTE format('GRANT %s ON ALL TABLES IN SCHEMA %I TO %I', found.privileges, found.schema, found.role);
    END LOOP;
END $$;
"""

# Else everybody who can connect may make tables, if only for as long as he stays.
CLOSE_DATABASE: Final = """DO $$ BEGIN
    IF (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()) THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
END $$;
"""

_MISSING: Final = "SELECT name FROM unnest($1::text[]) AS name EXCEPT SELECT rolname FROM pg_roles ORDER BY 1"


async def grant_rights(connection: Connection) -> None:
    """
    Grant each role that there is what its process needs, in all schemas of ours.

    Raises:
        DATABASE_FAILURES: The database is away, or slow.
    """
    await connection.execute(GRANT_RIGHTS)


async def missing_roles(connection: Connection) -> list[str]:
    """
    Return which roles are not there.

    Raises:
        DATABASE_FAILURES: The database is away, or slow.
    """
    return [row["name"] for row in await connection.fetch(_MISSING, list(ROLES))]
