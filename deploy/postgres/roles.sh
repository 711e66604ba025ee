#!/bin/sh
# Run once by Postgres' image, on an empty data directory: the logins beside the owner of the tables.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set api_password="$API_DATABASE_PASSWORD" --set router_password="$ROUTER_DATABASE_PASSWORD" <<'SQL'
-- The API reads everything and writes nothing: what it changes, it changes in the log.
CREATE ROLE patchbay_api LOGIN PASSWORD :'api_password' IN ROLE pg_read_all_data;
-- SIP routers see one view; the routing process lets this role see it.
CREATE ROLE call_router NOLOGIN;
CREATE ROLE kamailio LOGIN PASSWORD :'router_password' IN ROLE call_router;
SQL
