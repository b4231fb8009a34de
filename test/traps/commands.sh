#!/bin/bash
# commands.sh: the server of PG_CONFIG has no command that changes rows, or rewrites tables, of which tracking knows nothing
set -euo pipefail

# trap 43: a new command of a new server
# Those that change rows are noted by triggers; that a table is rewritten changes its row in the catalog.
known='ALTER MATERIALIZED VIEW
ALTER TABLE
ALTER TYPE
COPY
DELETE
FETCH
INSERT
MERGE
MOVE
SELECT
UPDATE'
file=$("${PG_CONFIG:-pg_config}" --includedir-server)/tcop/cmdtaglist.h
tags=$(sed -nE 's/^PG_CMDTAG\([A-Z_]+, "([^"]*)", [a-z]+, ([a-z]+), ([a-z]+)\)$/\1:\2\3/p' "$file")
[[ $(wc -l <<<"$tags") -gt 150 ]] || { echo "$file: not in the form that is known"; exit 1; }
unknown=$(grep true <<<"$tags" | cut -d : -f 1 | grep -vxF "$known") || exit 0
echo "commands that count rows or rewrite tables, and are not known here; does tracking see what they do?"
echo "$unknown"
exit 1
