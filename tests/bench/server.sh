# shellcheck shell=bash
# tests/bench/server.sh - a private PostgreSQL with a fresh schema, for measuring; sourced, not run
#
# fsync stays on. BENCH_PGCONF adds lines to its configuration.

BENCH_TMP=$(mktemp -d "${TMPDIR:-/tmp}/marquee-bench.XXXXXX")
BENCH_BIN=$(ls -dv /usr/lib/postgresql/*/bin | tail -n 1)
export PGHOST=$BENCH_TMP PGPORT=5432 PGUSER=postgres PGDATABASE=bench
export PGOPTIONS="-c search_path=marquee,public -c client_min_messages=warning"

bench_as() { # the server does not run as root
  if [ "$(id -u)" = 0 ]; then
    (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
  else
    "$@"
  fi
}

bench_stop() {
  [ ! -f "$BENCH_TMP/pg/postmaster.pid" ] ||
    bench_as "$BENCH_BIN/pg_ctl" -D "$BENCH_TMP/pg" -m immediate -w stop >/dev/null
  rm -rf "$BENCH_TMP"
}

bench_start() {
  [ "$(id -u)" != 0 ] || chown postgres: "$BENCH_TMP"
  bench_as "$BENCH_BIN/initdb" -D "$BENCH_TMP/pg" -U postgres -E UTF8 --locale=C.UTF-8 --auth=trust \
    --no-instructions >"$BENCH_TMP/initdb.log"
  {
    printf "listen_addresses = ''\nunix_socket_directories = '%s'\n" "$BENCH_TMP"
    printf "shared_buffers = 512MB\nmax_connections = 100\nmax_wal_size = 4GB\njit = off\n%s\n" "${BENCH_PGCONF:-}"
  } >"$BENCH_TMP/bench.conf"
  bench_as sh -c "echo \"include '$BENCH_TMP/bench.conf'\" >>'$BENCH_TMP/pg/postgresql.conf'"
  bench_as "$BENCH_BIN/pg_ctl" -D "$BENCH_TMP/pg" -l "$BENCH_TMP/pg.log" -w start >/dev/null
  trap bench_stop EXIT
}

# The schema as the owner makes it, without the program.
bench_schema() {
  local file
  psql -X -q -d postgres -c "CREATE DATABASE $PGDATABASE"
  psql -X -q -v ON_ERROR_STOP=1 -f "$T_SRCDIR/sql/bootstrap.sql"
  for file in "$T_SRCDIR"/sql/migrations/*.sql "$T_SRCDIR"/sql/functions/*.sql; do
    psql -X -q -1 -v ON_ERROR_STOP=1 -U marquee_owner -f "$file"
  done
  psql -X -q -o /dev/null -c "SELECT job_partitions('{}')"
}

bench_sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

# Numbers, one a line: the one in the middle.
bench_median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
