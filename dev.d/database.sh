# shellcheck shell=bash
# dev.d/database.sh - a private PostgreSQL on a unix socket: made, started, brought to the schema

DB=marquee
DB_ROLES="postgres marquee_owner marquee_web marquee_notifier marquee_readonly"

pg() { echo "/usr/lib/postgresql/$PGV/bin/$1"; }

dsn() { # role [database]
  echo "host=$RUN/pg dbname=${2:-$DB} user=$1"
}

# As a system user that may speak for any role; not reading anybody's ~/.psqlrc.
psql_as() { # role arguments…
  local role=$1
  shift
  (cd / && as_user "$PG_USER" psql -X -q -v ON_ERROR_STOP=1 -d "$(dsn "$role")" "$@")
}

pg_init() {
  local data=$STATE/pg
  [ ! -f "$data/PG_VERSION" ] || return 0
  dir_for "$PG_USER" 0700 "$data" || return
  (cd / && as_user "$PG_USER" "$(pg initdb)" -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 \
    --auth=peer --no-instructions) || { rm -rf "$data"; return 1; }
}

# Who may come: over the socket only, the system users that run the pieces, in any role.
pg_access() {
  local data=$STATE/pg user role
  printf 'local %s all peer map=dev\n' all replication >"$data/pg_hba.conf" || return
  for user in $(printf '%s\n' root "$(id -un)" "$APP_USER" "$PG_USER" | sort -u); do
    for role in $DB_ROLES; do echo "dev $user $role"; done
  done >"$data/pg_ident.conf"
}

pg_settings() {
  cat <<TEXT
listen_addresses = ''
unix_socket_directories = '$RUN/pg'
shared_buffers = 128MB
max_connections = 100
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u '
log_min_duration_statement = 1000
jit = off
TEXT
  # A throwaway database need not survive a power cut.
  if [ -n "${DEV_THROWAWAY:-}" ]; then printf '%s\n' 'fsync = off' 'full_page_writes = off'; fi
  # What a measurement wants otherwise: lines, the last of a name counts.
  if [ -n "${DEV_PGCONF:-}" ]; then printf '%s\n' "$DEV_PGCONF"; fi
}

pg_start() {
  local data=$STATE/pg sig
  sig=$(signature "$(pg postgres)" "$(pg_settings)")
  piece_current postgresql "$sig" && return
  piece_stop postgresql INT 60
  pg_access && pg_settings >"$data/dev.conf" || return
  grep -q "^include 'dev.conf'" "$data/postgresql.conf" ||
    echo "include 'dev.conf'" >>"$data/postgresql.conf" || return
  if is_root; then chown "$PG_USER:" "$data"/{dev.conf,pg_hba.conf,pg_ident.conf} || return; fi
  piece_start postgresql "$PG_USER" "$(pg postgres)" -D "$data" &&
    piece_ready postgresql 60 "$(pg pg_isready)" -q -h "$RUN/pg" -U postgres -d postgres &&
    piece_sign postgresql "$sig"
}

pg_up() { pg_init && pg_start && pg_database; }

pg_database() {
  local there
  there=$(cd / && as_user "$PG_USER" psql -XAtq -d "$(dsn postgres postgres)" \
    -c "SELECT count(*) FROM pg_database WHERE datname = '$DB'") || return
  [ "$there" = 1 ] || (cd / && as_user "$PG_USER" "$(pg createdb)" -h "$RUN/pg" -U postgres "$DB")
}

# The program knows the way; roles and extensions need the superuser, all else the owner.
db_migrate() {
  cli_as postgres migrate --bootstrap && cli_as marquee_owner migrate
}

# One row per violated invariant; nothing when all is well.
db_invariants() {
  psql_as marquee_owner -At -c 'SELECT * FROM marquee.check_invariants()'
}
