#!/usr/bin/env bash
# tests/bench/registration.sh - seats taken per second: everybody at one event, against the same
# function spread over 1,000 events
#
#   [T_SECONDS=10] [T_ROUNDS=3] [T_CLIENTS=32] tests/bench/registration.sh
#
# Runs A/B/A/B…, every round on new events and new people, and compares the medians. What counts is
# the rows of people who are going, not the calls. The bar: one hot event at 0.80 of the spread, or
# better. Measure on a machine that has nothing else to do; exit 1 below the bar.
set -euo pipefail
T_SRCDIR=${T_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd -P)}
SECONDS_EACH=${T_SECONDS:-10} ROUNDS=${T_ROUNDS:-3} CLIENTS=${T_CLIENTS:-32}
PEOPLE=${T_PEOPLE:-400000}
. "$T_SRCDIR/tests/bench/server.sh"

seed() {
  bench_sql -o /dev/null -1 <<SQL
INSERT INTO users (id, email, name)
  SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'p' || i || '@example.org', 'Person ' || i
  FROM generate_series(0, $PEOPLE) i;
SQL
  cat >"$BENCH_TMP/rsvp.sql" <<'SQL'
\set i :i + 1
\set person :client_id * :each + :i
\set event :round * 10000 + :i * 37 % :events
SELECT (f.status = 599)::int AS again FROM rsvp_set(
  ('00000000-0000-7000-9000-' || lpad(to_hex(:event::int), 12, '0'))::uuid,
  ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid,
  gen_random_uuid(), 'going', NULL, false) f \gset
\if :again
SELECT f.status FROM rsvp_set(
  ('00000000-0000-7000-9000-' || lpad(to_hex(:event::int), 12, '0'))::uuid,
  ('00000000-0000-7000-8000-' || lpad(to_hex(:person::int), 12, '0'))::uuid,
  gen_random_uuid(), 'going', NULL, true) f;
\endif
SQL
}

events() { # round, how many
  bench_sql -o /dev/null -c "SELECT event_insert(('00000000-0000-7000-9000-' || lpad(to_hex($1 * 10000 + i), 12, '0'))::uuid,
    '00000000-0000-7000-8000-000000000000', jsonb_build_object('title', 'Event ' || i, 'start_date', iso(now() + interval '7 days')))
    FROM generate_series(0, $2 - 1) i"
}

# The slots of an event are made when people first get in each other's way: that is warmed up.
measure() { # round, how many events: seats per second
  local before after
  events "$1" "$2"
  bench_sql -o /dev/null -c "VACUUM ANALYZE" -c "CHECKPOINT"
  before=$(bench_sql -c "SELECT count(*) FROM rsvps WHERE state = 'going'")
  "$BENCH_BIN/pgbench" -n -M prepared -c "$CLIENTS" -j 2 -T "$SECONDS_EACH" -f "$BENCH_TMP/rsvp.sql" -D i=0 \
    -D round="$1" -D events="$2" -D each=$((PEOPLE / CLIENTS)) >"$BENCH_TMP/out" 2>&1 || { cat "$BENCH_TMP/out" >&2; exit 2; }
  after=$(bench_sql -c "SELECT count(*) FROM rsvps WHERE state = 'going'")
  echo $(((after - before) / SECONDS_EACH))
}

main() {
  local round hot spread
  bench_start
  bench_schema
  seed
  for ((round = 1; round <= ROUNDS; round++)); do
    hot=$(measure $((2 * round)) 1)
    spread=$(measure $((2 * round + 1)) 1000)
    echo "round $round: hot $hot/s, spread $spread/s"
    echo "$hot" >>"$BENCH_TMP/hot"
    echo "$spread" >>"$BENCH_TMP/spread"
  done
  [ -z "$(bench_sql -c 'SELECT * FROM check_invariants()')" ] || { echo "invariants are violated"; exit 2; }
  hot=$(bench_median <"$BENCH_TMP/hot")
  spread=$(bench_median <"$BENCH_TMP/spread")
  awk -v h="$hot" -v s="$spread" 'BEGIN { printf "seats taken: hot %d/s, spread %d/s, ratio %.2f (bar 0.80)\n", h, s, h / s; exit h / s < 0.8 }'
}

main
