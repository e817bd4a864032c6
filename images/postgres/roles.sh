#!/bin/sh
# Run once, by the image of PostgreSQL, in an empty cluster: a role for each who needs one, and a database for two of them.
set -eu
for name in airflow lakehouse clinical_engine; do
  psql --username "$POSTGRES_USER" --quiet --variable ON_ERROR_STOP=1 --variable name="$name" \
    --variable password="$(cat "/run/secrets/${name}_password")" <<'SQL'
create role :"name" login password :'password';
SQL
done
for name in airflow lakehouse; do
  createdb --username "$POSTGRES_USER" --owner "$name" "$name"
  psql --username "$POSTGRES_USER" --quiet --variable ON_ERROR_STOP=1 --command "revoke all on database $name from public"
done
psql --username "$POSTGRES_USER" --quiet --variable ON_ERROR_STOP=1 --command "grant connect on database lakehouse to clinical_engine"
