#!/usr/bin/env bash
# tests/service/test_cli.sh - the command line against a database: import, demo, user, job, doctor
set -euo pipefail
. "$T_SRCDIR/tests/service/cli_host.sh"

holds() { is "$1: invariants and documents" "$(sql 'SELECT * FROM check_invariants()')$(sql 'SELECT check_docs()')" ""; }

# ---- accounts ----
echo correct-horse-battery >"$tmp/password"
is "import without an owner" "$(code marquee import /dev/null)" 66
is "user add" "$(code marquee user add ada@cli.example 'Ada Admin' --role admin --password-file "$tmp/password")" 0
is "user add prints the id" "$(cat "$tmp/out")" "$(sql "SELECT id FROM users WHERE email = 'ada@cli.example'")"
is "user add again" "$(code marquee user add ada@cli.example 'Ada' --password-file "$tmp/password")" 1
is "user add, wrong role" "$(code marquee user add bob@cli.example Bob --role king --password-file "$tmp/password")" 65
is "user add, wrong address" "$(code marquee user add bob Bob --password-file "$tmp/password")" 65
is "user token" "$(code marquee user token ada@cli.example)" 0
is "user token prints a token alone" "$(tr -dc . <"$tmp/out") $(wc -l <"$tmp/out")" ".. 1"
is "user token, nobody" "$(code marquee user token nobody@cli.example) $(wc -c <"$tmp/out") $(wc -l <"$tmp/err")" "1 0 1"
is "user role" "$(code marquee user role ada@cli.example organizer)$(sql "SELECT role FROM users WHERE email = 'ada@cli.example'")" 0organizer
is "user role back" "$(code marquee user role ada@cli.example admin)" 0
is "user list" "$(code marquee user list --limit 1)$(grep -c ada@cli.example "$tmp/out")" 01
is "user list, wrong limit" "$(code marquee user list --limit -1)$(grep -c -- "--limit takes" "$tmp/err")" 651

# ---- import ----
cat >"$tmp/events.jsonl" <<'X'
{"title": "Rubyfuza", "url": "http://rubyfuza.org/a b", "start_date": "2013-02-07", "end_date": "2013-02-09", "tags": ["ruby"], "is_virtual": false, "city": "Cape Town", "country": "South Africa", "lat": -33.9, "lng": 18.4, "locale": "EN"}
{"title": "Far ahead", "url": "http://x.example", "start_date": "2999-02-07", "tags": []}
{"title": "WE", "url": "http://x.example", "start_date": "2999-02-07"}
{"title": "No such thing", "start_date": "2999-02-07", "category": "nonsense"}
not JSON

{"title": "Far ahead", "url": "http://x.example", "start_date": "2999-02-07", "tags": ["again"]}
X
is "import, dry" "$(marquee import "$tmp/events.jsonl" --dry-run 2>/dev/null | head -n 1)" "2 loaded, 3 refused, 1 known (nothing was changed)"
is "import, dry, changes nothing" "$(sql 'SELECT count(*) FROM events')" 0
is "import" "$(code marquee import "$tmp/events.jsonl" --report "$tmp/report")" 0
is "import counts" "$(head -n 1 "$tmp/out")" "2 loaded, 3 refused, 1 known"
is "import names the lines" "$(cut -d: -f1 "$tmp/report" | xargs)" "line 3 line 4 line 5"
is "import says why" "$(grep -c 'line 3: title must\|line 4: category is unknown\|line 5: ' "$tmp/out")" 3
is "import, what is over" "$(sql "SELECT status, version, url, location FROM events WHERE title = 'Rubyfuza'")" \
  "completed|1|http://rubyfuza.org/a%20b|Cape Town, South Africa"
is "import, what is to come" "$(sql "SELECT status FROM events WHERE title = 'Far ahead'")" active
is "import tells the world" "$(sql "SELECT count(*) FROM outbox WHERE type = 'event.created'")" 2
is "import again" "$(marquee import "$tmp/events.jsonl" --shift-years 5 2>/dev/null | head -n 1)" "0 loaded, 3 refused, 3 known"
is "import from input" "$(marquee import - <"$tmp/events.jsonl" 2>/dev/null | head -n 1)" "0 loaded, 3 refused, 3 known"
is "import for nobody" "$(code marquee import "$tmp/events.jsonl" --host nobody@cli.example)" 66
is "import, no file" "$(code marquee import "$tmp/none")" 66
holds import

# ---- demo ----
is "demo, negative" "$(code marquee demo --events -1)$(grep -c -- '--events takes' "$tmp/err")" 651
is "demo, too many answers" "$(code marquee demo --events 2 --users 3 --registrations 7)$(grep -c -- '--registrations must' "$tmp/err")" 651
before=$(sql 'SELECT count(*) FROM outbox')
is "demo" "$(code marquee demo --events 300 --users 40 --registrations 4000 --seed 7)" 0
is "demo counts" "$(sql 'SELECT (SELECT count(*) FROM users WHERE seeded), (SELECT count(*) FROM events WHERE seeded), (SELECT count(*) FROM rsvps WHERE seeded), (SELECT count(*) FROM rsvp_history WHERE seeded)')" "40|300|4000|4000"
is "demo sends nothing" "$(sql 'SELECT count(*) FROM outbox')" "$before"
is "demo has waiting lists" "$(sql 'SELECT count(*) > 3 FROM event_seats WHERE waiting > 0')" t
is "demo has a past" "$(sql "SELECT count(*) > 3 FROM events WHERE seeded AND status = 'completed'")" t
is "demo again" "$(code marquee demo)" 75
holds demo
first=$(sql "SELECT md5(string_agg(concat(id, title, max_attendees, host_id), ',' ORDER BY id)) FROM events WHERE seeded")
sql "DELETE FROM rsvp_history WHERE seeded; DELETE FROM rsvps WHERE seeded; DELETE FROM waitlist_blocks; DELETE FROM seat_counters
     WHERE pool_id IN (SELECT id FROM events WHERE seeded); DELETE FROM events WHERE seeded; DELETE FROM users WHERE seeded"
is "demo with the same seed" "$(code marquee demo --events 300 --users 40 --registrations 4000 --seed 7)$(
  sql "SELECT md5(string_agg(concat(id, title, max_attendees, host_id), ',' ORDER BY id)) FROM events WHERE seeded")" "0$first"
is "invariants" "$(code marquee invariants)" 0
sql "UPDATE seat_counters SET going = going + 1 WHERE pool_id = (SELECT id FROM events WHERE seeded LIMIT 1)"
is "invariants, planted" "$(code marquee invariants)$(grep -c 'I1' "$tmp/out" | grep -c '[12]')" 11
sql "UPDATE seat_counters SET going = going - 1 WHERE pool_id = (SELECT id FROM events WHERE seeded LIMIT 1)"

# ---- the rest ----
sql "UPDATE jobs SET run_at = now() + interval '1 hour'"
is "job run" "$(code marquee job run views)$(sql "SELECT run_at <= now() FROM jobs WHERE name = 'views'")" 0t
is "job run, none" "$(code marquee job run nothing | head -c 1)" 6
sql "INSERT INTO outbox_parked SELECT i, uuid7(), '1', 'event', uuid7(), i, 'k' || i % 2, 0, 'events', 'test.made', '{}', NULL, NULL, now(), 'too large' FROM generate_series(1, 5) i"
is "outbox list" "$(code marquee outbox list)$(grep -c 'waits for a person.*too large' "$tmp/out")" 05
is "outbox replay, the whole key" "$(code marquee outbox replay 3)$(sql 'SELECT string_agg(pos::text, $$ $$ ORDER BY pos) FROM outbox_parked WHERE replay_at <= now()')" "01 3 5"
is "outbox drop, exactly that" "$(code marquee outbox drop 2)$(sql 'SELECT count(*) FROM outbox_parked')" 04
is "outbox replay --all" "$(code marquee outbox replay --all)$(sql 'SELECT count(*) FROM outbox_parked WHERE replay_at IS NULL')" 00
is "outbox, no such message" "$(code marquee outbox drop 77)" 66
is "outbox, no position" "$(code marquee outbox replay one)" 65
sql "DELETE FROM outbox_parked"
is "migrate --check" "$(code marquee migrate --check --dir "$T_SRCDIR/sql")" 0
is "config check" "$(code marquee config check)" 0
is "config hides secrets" "$(marquee config list | grep -c "$MARQUEE_AUTH_JWT_SECRET" || true)" 0
is "doctor, no notifier" "$(code marquee doctor --dir "$T_SRCDIR/sql")$(grep -c '^FAIL notifier' "$tmp/out")" 11
sql "INSERT INTO heartbeats VALUES ('notifier', now(), '{\"kafka\": \"up\", \"host\": \"here\"}')"
is "doctor" "$(code marquee doctor --dir "$T_SRCDIR/sql")" 0
is "doctor, no database" "$(MARQUEE_DB_DSN='host=/nowhere' "$T_BUILDDIR/marquee" --config '' doctor >"$tmp/out" 2>/dev/null || echo $?)$(grep -c '^FAIL database .*/nowhere' "$tmp/out")" 11
warns() { marquee --set "$1" doctor --dir "$T_SRCDIR/sql" 2>/dev/null | grep -c "^WARN $2" || true; }
is "doctor, a primary as replica" "$(warns "db.read_dsn=$T_DSN" 'replica .*leads to a primary')" 1
is "doctor, a replica that is away" "$(warns 'db.read_dsn=host=/nowhere' 'replica .*cannot be asked')" 1
is "doctor, two hosts" "$(MARQUEE_DB_DSN='host=/a,/b' "$T_BUILDDIR/marquee" --config '' doctor 2>/dev/null | grep -c '^WARN failover .*several hosts' || true)" 1
sql "UPDATE heartbeats SET state = state || '{\"cache_servers\": \"elsewhere:11211\"}' WHERE name = 'notifier'"
is "doctor, another ring" "$(marquee doctor --dir "$T_SRCDIR/sql" 2>/dev/null | grep -c '^FAIL ring' || true)" 1
is "no such command" "$(code marquee frobnicate)" 64
is "no such flag" "$(code marquee demo --frobnicate)" 65

ended
