#!/usr/bin/env bash
# tests/service/test_backup.sh - the drill: dump, another cluster, restore, and everything goes on
set -euo pipefail
. "$T_SRCDIR/tests/service/cli_host.sh"
BIN=$(ls -dv /usr/lib/postgresql/*/bin | tail -n 1)
chmod 755 "$tmp"

as_pg() { if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"); else "$@"; fi; }
cleanup() {
  [ ! -f "$tmp/pg/postmaster.pid" ] || as_pg "$BIN/pg_ctl" -D "$tmp/pg" -m immediate -w stop >/dev/null
  rm -rf "$tmp"
}
trap cleanup EXIT

# Another cluster, whose transaction numbers begin anew.
other_cluster() {
  mkdir "$tmp/pg"
  [ "$(id -u)" != 0 ] || chown postgres: "$tmp/pg"
  as_pg "$BIN/initdb" -D "$tmp/pg" -U postgres -E UTF8 --locale=C.UTF-8 --auth=trust --no-instructions -N >/dev/null
  as_pg "$BIN/pg_ctl" -D "$tmp/pg" -o "-c listen_addresses='' -k $tmp/pg -c fsync=off" -l "$tmp/pg/log" -w start >/dev/null
  OTHER="host=$tmp/pg dbname=drill user=marquee_owner"
  psql -X -q -h "$tmp/pg" -U postgres -d postgres -c 'CREATE DATABASE drill'
  MARQUEE_DB_DSN="host=$tmp/pg dbname=drill user=postgres" "$T_BUILDDIR/marquee" --config '' migrate --bootstrap --dir "$T_SRCDIR/sql" >/dev/null
}
there() { MARQUEE_DB_DSN=$OTHER ${T_VALGRIND:-} "$T_BUILDDIR/marquee" --config '' "$@"; }
sql_there() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$OTHER" -c "$1"; }
digest() { # psql function: what people would miss
  "$1" "SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (SELECT u::text x FROM users u UNION ALL SELECT e::text FROM events e
        UNION ALL SELECT d::text FROM event_docs d UNION ALL SELECT r::text FROM rsvps r UNION ALL SELECT h::text FROM rsvp_history h
        UNION ALL SELECT concat_ws(' ', o.pos, o.id, o.key, o.payload) FROM outbox o) s"
}
dumps() { find "$tmp/dumps" -name 'marquee-*' | wc -l; }

mkdir "$tmp/dumps"
echo correct-horse-battery >"$tmp/password"
marquee user add ada@drill.example Ada --role admin --password-file "$tmp/password" >/dev/null
marquee demo --events 40 --users 20 --registrations 200 >"$tmp/out" 2>&1
for i in 1 2 3; do
  printf '{"title":"Sent %s","url":"https://x.example/%s","start_date":"2999-02-07"}\n' $i $i
done >"$tmp/events.jsonl"
marquee import "$tmp/events.jsonl" --host ada@drill.example >"$tmp/out" 2>&1
sql 'DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$' # far ahead of another cluster
sql "UPDATE relay SET snap = pg_current_snapshot(), next_snap = NULL, last_pos = 0"
sed 's/Sent/Waiting/; s/example/example.org/' "$tmp/events.jsonl" >"$tmp/more.jsonl"
marquee import "$tmp/more.jsonl" --host ada@drill.example >"$tmp/out" 2>&1
waiting=$(sql "SELECT pending FROM outbox_backlog()")
is "some messages are sent, some wait" "$(sql 'SELECT count(*) FROM outbox') $waiting" "6 3"

# ---- dumps ----
says "backup without a folder" 65 "backup.dir" marquee backup
says "backup into nowhere" 69 "No such file" marquee backup --dir "$tmp/none"
says "backup, wrong days" 65 "--keep takes" marquee backup --dir "$tmp/dumps" --keep -1
touch "$tmp/dumps/marquee-20200101T000000Z.dump" "$tmp/dumps/marquee-20200101T000001Z.dump.part" "$tmp/dumps/marquee-notes.dump"
is "backup" "$(code marquee backup --dir "$tmp/dumps" --keep 7)" 0
dump=$(cut -f1 "$tmp/out" | head -n 1)
is "older ones are gone, others stay" "$(find "$tmp/dumps" -type f | sort | xargs -n1 basename | xargs)" "$(basename "$dump") marquee-notes.dump"
is "nobody else may read it" "$(stat -c %a "$dump")" 600

# A dump that is cut short, by a pg_dump that says all is well: a failure, and nothing older goes.
mkdir "$tmp/bin"
real=$(command -v pg_dump)
cat >"$tmp/bin/pg_dump" <<X
#!/bin/sh
$real "\$@" || exit
for last; do :; done
truncate -s -2000 "\$last"
X
chmod +x "$tmp/bin/pg_dump"
touch "$tmp/dumps/marquee-20200101T000000Z.dump"
before=$(dumps)
status=0
PATH=$tmp/bin:$PATH marquee backup --dir "$tmp/dumps" --keep 7 >"$tmp/out" 2>"$tmp/err" || status=$?
is "a truncated dump is a failure" "$status $(grep -c 'pg_restore failed' "$tmp/err" | grep -c '[1-9]')" "69 1"
is "and takes nothing away" "$(dumps)" "$before"
ln -sf /bin/false "$tmp/bin/pg_dump"
status=0
PATH=$tmp/bin:$PATH marquee backup --dir "$tmp/dumps" --keep 7 >"$tmp/out" 2>"$tmp/err" || status=$?
is "a failing pg_dump is a failure" "$status $(dumps)" "69 $before"

# ---- restore ----
says "restore of nothing" 1 "cannot be read" marquee restore "$tmp/none"
head -c 30000 "$dump" >"$tmp/cut.dump"
says "restore of half a dump" 69 "pg_restore failed" marquee restore "$tmp/cut.dump" --replace
says "restore over what is there" 1 "--replace" marquee restore "$dump" --dir "$T_SRCDIR/sql"
other_cluster
is "another cluster, lower numbers" "$(psql -X -A -t -h "$tmp/pg" -U postgres -d drill -c "SELECT pg_current_xact_id() < '$(sql "SELECT max(xid::text::bigint) FROM outbox")'::xid8")" t
is "restore" "$(code there restore "$dump" --dir "$T_SRCDIR/sql")" 0
is "restore counts" "$(grep -c "20 people\|21 people" "$tmp/out") $(grep -c " $waiting messages wait" "$tmp/out") $(grep -c 'all invariants hold' "$tmp/out")" "1 1 1"
is "everything is there" "$(digest sql_there)" "$(digest sql)"
is "the same messages wait" "$(sql_there "SELECT pending FROM outbox_backlog()")" "$waiting"
is "and the notifier finds them" "$(sql_there "SELECT count(*) FROM relay r CROSS JOIN LATERAL outbox_since(r.shard, r.snap)")" "$waiting"
is "then a new one" "$(sql_there "UPDATE relay SET snap = pg_current_snapshot(); SELECT event_insert(gen_random_uuid(), id, '{\"title\":\"New\",\"start_date\":\"2999-01-01\"}') FROM users LIMIT 1; SELECT pending FROM outbox_backlog()" | tail -n 1)" 1
is "the cache begins anew" "$(sql_there "SELECT (SELECT value::bigint FROM settings WHERE key = 'cache_epoch') > 1700000000")" t
is "roles may what they may" "$(sql_there "SELECT has_table_privilege('marquee_web', 'marquee.events', 'INSERT') AND NOT has_table_privilege('marquee_readonly', 'marquee.events', 'INSERT')")" t
is "a dump of the restored" "$(code there backup --dir "$tmp/dumps" --keep 0)" 0
psql -X -q -h "$tmp/pg" -U marquee_web -d drill -c 'SELECT pg_sleep(60)' >/dev/null 2>&1 &
until [ "$(sql_there "SELECT count(*) FROM pg_stat_activity WHERE usename = 'marquee_web'")" = 1 ]; do sleep 0.1; done
says "restore under a worker" 1 "stop them first" there restore "$dump" --replace --dir "$T_SRCDIR/sql"
kill $!
until [ "$(sql_there "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'marquee_web'" 2>/dev/null)" = 0 ]; do sleep 0.1; done
is "restore in place" "$(code there restore "$dump" --replace --dir "$T_SRCDIR/sql")$(grep -c 'all invariants hold' "$tmp/out")" 01

# Control: without new stamps the messages of the dump, and all to come, would count as sent.
sql_there "SET client_min_messages = warning; DROP SCHEMA marquee CASCADE"
PGHOST=$tmp/pg PGUSER=marquee_owner pg_restore --no-owner -d drill "$dump"
is "control: without new stamps nothing goes out" "$(sql_there "SELECT event_insert(gen_random_uuid(), id, '{\"title\":\"New\",\"start_date\":\"2999-01-01\"}') FROM users LIMIT 1; SELECT pending FROM outbox_backlog()" | tail -n 1 | sed 's/^3$/none of the new/')" 'none of the new'
ended
