#!/bin/sh
# Makes Temporal's two databases and brings their tables to the newest form. Safe to repeat; run
# again with the next release's image it upgrades them.
set -eu
SQL_PASSWORD=$(cat "$PASSWORD_FILE")
export SQL_PASSWORD

tool() {
  database=$1
  shift
  temporal-sql-tool --plugin postgres12 --endpoint "$POSTGRES_HOST" --port "${POSTGRES_PORT:-5432}" \
    --user temporal --database "$database" "$@"
}

for kind in temporal visibility; do
  database=temporal
  [ "$kind" = temporal ] || database=temporal_visibility
  tool "$database" create
  # Where there are tables, this leaves their version as it is.
  tool "$database" setup-schema --version 0.0
  tool "$database" update-schema --schema-name "postgresql/v12/$kind"
done
