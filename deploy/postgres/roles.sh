#!/bin/sh
# Run once by Postgres' image, on an empty data directory: the logins beside the owner of the tables. What each may do is
# said by `patchbay database prepare`.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set api_password="$API_DATABASE_PASSWORD" --set projector_password="$PROJECTOR_DATABASE_PASSWORD" \
  --set routing_password="$ROUTING_DATABASE_PASSWORD" --set router_password="$ROUTER_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE patchbay_api LOGIN PASSWORD :'api_password';
CREATE ROLE patchbay_projector LOGIN PASSWORD :'projector_password';
CREATE ROLE patchbay_routing LOGIN PASSWORD :'routing_password';
-- SIP routers see one view.
CREATE ROLE call_router NOLOGIN;
CREATE ROLE kamailio LOGIN PASSWORD :'router_password' IN ROLE call_router;
SQL
