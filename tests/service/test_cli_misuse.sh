#!/usr/bin/env bash
# tests/service/test_cli_misuse.sh - the command line used wrongly, and in surroundings that fail it
set -euo pipefail
. "$T_SRCDIR/tests/service/cli_host.sh"

bare() { env -u MARQUEE_AUTH_JWT_SECRET "$T_BUILDDIR/marquee" "$@"; }
as_web() { MARQUEE_DB_DSN=$T_DSN "$T_BUILDDIR/marquee" --config '' "$@"; }
nowhere() { MARQUEE_DB_DSN='host=/nowhere' "$T_BUILDDIR/marquee" --config '' "$@"; }
on_terminal() { script -qec "MARQUEE_DB_DSN='$T_DSN_OWNER' '$T_BUILDDIR/marquee' --config '' $*" /dev/null; }

# ---- the program itself ----
says "no command" 64 "usage: marquee" bare
says "help" 0 "usage: marquee" bare help
says "--help" 0 "usage: marquee" bare --help
says "--version" 0 "marquee " bare --version
says "unknown option" 64 "usage: marquee" bare --frobnicate
says "configuration file that is missing" 78 "/nowhere/x.conf" bare --config /nowhere/x.conf config list
says "--set of nothing known" 78 "nearest is log.level" marquee --set log.levle=warn config list
says "--set without value" 78 "expected name=value" marquee --set log.level config list
says "--set with a wrong value" 78 "log.level" marquee --set log.level=loud config list
printf 'log.level = loud\nlog.level\n' >"$tmp/bad.conf"
says "a file with mistakes names the lines" 78 "bad.conf:2" bare --config "$tmp/bad.conf" config list
says "a secret's file that is missing" 78 "/nowhere/secret" env -u MARQUEE_AUTH_JWT_SECRET MARQUEE_AUTH_JWT_SECRET_FILE=/nowhere/secret \
  "$T_BUILDDIR/marquee" --config '' config list

# Every command refuses arguments that it does not know, and says how it is used.
while read -r words; do
  # shellcheck disable=SC2086
  says "marquee $words" 65 "usage: marquee ${words%% *}" marquee $words
done <<'X'
config
config frobnicate
config list more
routes more
invariants more
job
job run
job list more
migrate --frobnicate
migrate more
user
user frobnicate
user add
user add one@cli.example
user add --frobnicate a b
user role one@cli.example
user token
user list --frobnicate
user list more
import
import --frobnicate
import a b
demo more
demo --frobnicate
doctor more
doctor --frobnicate
X

# ---- configuration ----
says "config sample" 0 "#db.dsn =" bare --config '' config sample
says "config man" 0 ".It Cm db.dsn" bare --config '' config man
says "config check without a secret" 65 "auth.jwt_secret" bare --config '' config check
says "config check without a database" 65 "db.dsn is not set" env MARQUEE_DB_DSN= "$T_BUILDDIR/marquee" --config '' config check
says "routes" 0 "/events/:id/rsvp" bare --config '' routes

# ---- accounts ----
says "password file that is missing" 65 "cannot read" marquee user add a@cli.example A --password-file "$tmp/none"
: >"$tmp/empty"
says "password file that is empty" 65 "is empty" marquee user add a@cli.example A --password-file "$tmp/empty"
is "password from input" "$(echo horse-battery-7 | marquee user add a@cli.example A --role admin | wc -c)" 37
says "password from a terminal is not asked for" 65 "--password-file" on_terminal user add b@cli.example B
says "role of nobody" 1 "no account with" marquee user role nobody@cli.example admin
says "role that is none" 65 "role must be one of" marquee user role a@cli.example king
says "token without a secret" 65 "auth.jwt_secret" env -u MARQUEE_AUTH_JWT_SECRET MARQUEE_DB_DSN="$T_DSN_OWNER" \
  "$T_BUILDDIR/marquee" --config '' user token a@cli.example
says "list without a database" 69 "" nowhere user list

# ---- import ----
says "import of a folder" 66 "is a directory" marquee import "$tmp"
says "import, years that nobody means" 65 "--shift-years takes" marquee import /dev/null --shift-years 999
says "import, a report that cannot be written" 65 "--report /nowhere/x" marquee import /dev/null --report /nowhere/x
says "import without a database" 69 "" nowhere import /dev/null
{
  echo '["no object"]'
  printf '{"title": "%01100000d"}\n' 0
  echo '{"title": "Leap", "start_date": "2996-02-29", "city": "Bern"}'
  echo '{"title": "Backwards", "start_date": "2999-02-07", "end_date": "2999-02-06"}'
  echo '{"title": "Breaks", "start_date": "2999-02-07", "country": "Chile"}'
  echo '{"title": "Far", "start_date": "9990-01-01", "location": "Oslo", "city": "Bergen"}'
} >"$tmp/odd.jsonl"
sql "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS \$\$
       BEGIN IF NEW.title = 'Breaks' THEN RAISE 'planted'; END IF; RETURN NEW; END \$\$;
     CREATE TRIGGER broken BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION broken()"
says "import of odd lines" 0 "2 loaded, 4 refused, 0 known" marquee import "$tmp/odd.jsonl" --host a@cli.example --shift-years 10
is "import names each" "$(grep -o '^line [0-9]*' "$tmp/out" | xargs)" "line 1 line 2 line 4 line 5"
is "import, a leap day in a year without" "$(sql "SELECT start_date::date, location FROM events WHERE title = 'Leap'")" "3006-02-28|Bern"
sql "DROP TRIGGER broken ON events"
sql "ALTER TABLE events RENAME TO events_away"
says "import into a broken schema" 0 "0 loaded, 6 refused" marquee import "$tmp/odd.jsonl"
sql "ALTER TABLE events_away RENAME TO events"

# ---- demo ----
says "demo, events without hosts" 65 "--users must be at least 1" marquee demo --users 0 --registrations 0
says "demo of nothing" 0 "0 people, 0 events" marquee demo --users 0 --events 0 --registrations 0
says "demo on a terminal" 0 "100 %" on_terminal demo --users 5 --events 8 --registrations 20
is "demo on a terminal draws a bar" "$(grep -c '\[####' "$tmp/out")" 1

# ---- jobs, migrations ----
sql "UPDATE jobs SET last_error = 'planted', failures = 3 WHERE name = 'views'"
says "job list shows what failed" 0 "planted" marquee job list
says "migrate, nothing to do" 0 "up to date" marquee migrate --dir "$T_SRCDIR/sql"
says "migrate from nowhere" 65 "/nowhere" marquee migrate --dir /nowhere
says "migrate --check from nowhere" 65 "/nowhere" marquee migrate --check --dir /nowhere
says "migrate --bootstrap from nowhere" 65 "/nowhere" marquee migrate --bootstrap --dir /nowhere
says "migrate --bootstrap without the right" 70 "permission denied" as_web migrate --bootstrap --dir "$T_SRCDIR/sql"
says "migrate without the right" 70 "permission denied" as_web migrate --dir "$T_SRCDIR/sql"
says "migrate without a database" 69 "" nowhere migrate --dir "$T_SRCDIR/sql"

# ---- doctor: each finding, and what to do about it ----
finding() { # name code text options…: with the database
  local name=$1 code=$2 text=$3
  shift 3
  sql "UPDATE heartbeats SET at = now() - interval '$AGE'" # it grows older while others are found
  says "doctor: $name" "$code" "$text" marquee "$@" doctor --dir "$T_SRCDIR/sql"
}
beat() { # age state
  AGE=$1
  sql "DELETE FROM heartbeats; INSERT INTO heartbeats VALUES ('notifier', now() - interval '$1', '$2')"
}
beat 0s '{"kafka": "up", "host": "here"}'
sql "UPDATE jobs SET last_error = NULL, failures = 0"
finding "all is well" 0 " 0 failed"
finding "no secret" 1 "TOKEN KEYS" --set auth.jwt_secret=
finding "no limits" 0 "WARN configuration" --set limits.enabled=off
finding "too many slots" 0 "WARN hash slots" --set auth.hash_slots=16
finding "no folder for shared memory" 1 "FAIL shared memory" --set shm.dir=/dev/null/shm
finding "shared memory on a disk" 0 "is not on tmpfs" --set shm.dir="$T_BUILDDIR/shm.$$"
rm -rf "$T_BUILDDIR/shm.$$"
finding "no cache" 0 "WARN cache" --set cache.servers=
finding "a cache that is away" 1 "FAIL cache" --set cache.servers=127.0.0.1:1 --set shm.dir="$tmp/shm"
beat 10s '{"kafka": "off"}'
finding "a slow notifier" 0 "WARN notifier"
finding "no brokers" 0 "no brokers are configured"
beat 1h '{"kafka": "up"}'
finding "a notifier that is gone" 1 "FAIL notifier"
finding "nobody knows of Kafka" 1 "WARN kafka"
beat 0s '{"kafka": "down"}'
finding "Kafka is away" 1 "FAIL kafka"
beat 0s '{"kafka": "up"}'
sql "UPDATE jobs SET last_error = 'planted', failures = 3 WHERE name = 'views'"
finding "a job that fails" 0 "WARN jobs"
sql "UPDATE seat_counters SET going = going + 1 WHERE pool_id = (SELECT id FROM events WHERE seeded LIMIT 1)"
finding "a count that is wrong" 1 "FAIL invariants"
sql "UPDATE seat_counters SET going = going - 1 WHERE pool_id = (SELECT id FROM events WHERE seeded LIMIT 1)"
mkdir -p "$tmp/sql/functions" && cp -r "$T_SRCDIR/sql/migrations" "$T_SRCDIR/sql/bootstrap.sql" "$tmp/sql/"
echo 'SELECT 1;' >"$tmp/sql/migrations/9999_more.sql"
says "doctor: a migration that is missing" 1 "FAIL migrations" marquee doctor --dir "$tmp/sql"
says "migrate --check: the same" 69 "lacks migration" marquee migrate --check --dir "$tmp/sql"
says "doctor: no db.dsn" 1 "set db.dsn" env MARQUEE_DB_DSN= "$T_BUILDDIR/marquee" --config '' doctor
openssl genrsa -out "$tmp/key.pem" 2048 2>/dev/null
chmod 0644 "$tmp/key.pem"
finding "a private key that everybody reads" 0 "WARN token keys" --set auth.jwt_alg=RS256 --set auth.jwt_private_key_file="$tmp/key.pem"
chmod 0600 "$tmp/key.pem"
finding "a private key of one's own" 0 "signs as" --set auth.jwt_alg=RS256 --set auth.jwt_private_key_file="$tmp/key.pem"

ended
