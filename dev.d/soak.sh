# shellcheck shell=bash
# dev.d/soak.sh - experiments in their long form, which ./dev check has no time for; output is kept

# name | command, from the top of the sources | environment of the long form | what it shows
# The same command without the environment is the short form, which ./dev check runs.
EXPERIMENTS='valgrind|tests/valgrind.sh||unit and service tests under valgrind
points|tests/fault/run test_points||fault points act once, in one process
machines|tests/fault/run test_machines|T_MACHINES_S=20|two hosts, a replica, two memcacheds: each killed in turn
proxy|tests/fault/run test_proxy||the fault proxy does what it is told
history|tests/fault/run test_history||the checker of histories finds what is planted
counters|tests/fault/run test_counters|T_REQUESTS=20000|X6: counts and versions seen by clients of 8 workers
audit|tests/fault/run test_audit|T_READS=1000000|X16: answers beside what was acknowledged; between two hosts
herd|tests/fault/run test_herd|T_HERDS=40|X14: 500 clients at once, again and again
exhaustion|tests/fault/run test_exhaustion|T_REQUESTS=20000|X20: descriptors and connections run out and come back
memcached|tests/fault/run test_memcached|T_FAULT_S=30|X13: memcached dead, frozen, slow, lying, full, under load
private|tests/fault/run test_private|T_ROUNDS=100000|Y21: a shared cache in front never has another'"'"'s answer
coherence|tests/service/run test_coherence|T_FULL=1|X15: every order of the steps of two readers and two writers
plans|tests/service/run test_plans|T_FULL=1|what every statement reads on 100,000 events and 1,000,000 answers
crowd|tests/fault/run test_crowd|T_CROWD=100000|a file of 100,000 attendees in a worker that stays as small as it was
door|tests/service/run test_checkin.sh|T_CROWD=100000|what scans, the door, attendee lists and their files read at an event of 100,000
scale|tests/service/run test_scale|T_FULL=1|the desk'"'"'s lists at 1,000 events and at 200,000
isolation|tests/service/run test_isolation.sh|T_FULL=1|X4: registrations and changes of their event step by step, in every order
kills|tests/fault/run test_workers_killed|T_TRIALS=100|X7: kill -9 of workers at every point of a request
notifier|tests/fault/run test_notifier_killed|T_TRIALS=300|X8: kill -9 of the notifier at each step of a chunk
crashes|tests/fault/run test_database_crashes|T_CRASHES=10|X9: PostgreSQL crashes and comes back under load
disk|tests/fault/run test_disk_full|T_ROUNDS=10|X19: disks of database, its log of changes and our logs are full for a while
clock|tests/fault/run test_clock||X21: the clock of workers and notifier steps by an hour and stands still
memory|tests/fault/run test_no_memory|T_STEP=1|X24: each allocation of a request fails in turn
overload|tests/fault/run test_overload|T_SECONDS=60 T_SLEEP_MS=40|X23: three times more comes in than can be done
attack|tests/attack/run|T_LONG=1|Y2 to Y20: who may do what, hostile requests, the program against its own description
timing|tests/attack/run timing|T_SAMPLES=10000|Y13: the time of a refused sign-in does not tell who is known
outside|tests/attack/run outside|T_LEVEL=5 T_RISK=3|Y5: sqlmap and wapiti find a planted hole and nothing else
reload|tests/fault/run test_reload|T_RATE=500 T_PAUSE=5 T_ROUNDS=3|X10: everything is replaced under load, on each web server
slow|tests/fault/run test_slow|T_CONNECTIONS=1000 T_SECONDS=60|X22: slow clients hold no worker, on each web server
cache|tests/e2e/run test_shared_cache|T_REQUESTS=100000|Y21: a shared cache in front mixes up nobody
e2e-nginx|tests/e2e/run --server nginx||the whole end-to-end suite through nginx
e2e-apache|tests/e2e/run --server apache||the same through Apache
e2e-cgi|tests/e2e/run --server lighttpd-cgi||the same by plain CGI
e2e-fcgid|tests/e2e/run --server apache-fcgid||the same through mod_fcgid'

cmd_soak() { # [NAME…]: all of the table, or those named
  local name row began=$EPOCHREALTIME
  case ${1:-} in -l | --list) soak_list; return ;; esac
  for name in "$@"; do
    grep -q "^$name|" <<<"$EXPERIMENTS" || die "no experiment '$name'" "./dev soak --list names them"
  done
  state_make
  # shellcheck disable=SC2046 # words
  packages_ensure $PACKAGES_UP $PACKAGES_CHECK $PACKAGES_SOAK $(servers_packages)
  mkdir -p "$STATE/soak"
  RESULTS=$STATE/soak/results
  : >"$RESULTS"
  DONE=()
  soak_build
  while IFS= read -r row; do
    name=${row%%|*}
    if [ $# = 0 ] || [[ " $* " == *" $name "* ]]; then soak_one "$row"; fi
  done <<<"$EXPERIMENTS"
  soak_table
  check_sum "$began"
}

soak_list() {
  local name command long text
  while IFS='|' read -r name command long text; do
    printf '  %-12s %s\n  %12s %s %s\n' "$name" "$text" '' "$long" "$command"
  done <<<"$EXPERIMENTS"
}

# One build with fault points serves all of them.
soak_build() {
  MARQUEE_DEV_BUILD=$(cmd_build --enable-faults)
  export MARQUEE_DEV_BUILD
}

# Shown while it runs and kept in the state folder: the last output of each experiment.
soak_one() { # row
  local name command long text log status=0 began=$EPOCHREALTIME
  IFS='|' read -r name command long text <<<"$1"
  log=$STATE/soak/$name.log
  printf '== %s: %s\n' "$name" "$text"
  {
    echo "# $(date -u +%FT%TZ) $(git -C "$TOP" describe --always --dirty 2>/dev/null): $long $command"
    # shellcheck disable=SC2086 # words of the table
    (cd "$TOP" && env -u MARQUEE_DEV_STATE -u MARQUEE_DEV_PORT -u MARQUEE_DEV_CONF T_SHOW=1 \
      T_TIMEOUT=14400 $long $command </dev/null) || status=$?
    # a driver's own sum repeats what its scripts have counted, unless only it has failed
    [ $status = 0 ] || grep -q '^RESULT .*failed=[1-9]' "$log" || echo "RESULT $name passed=0 failed=1 skipped=0"
  } 2>&1 | tee "$log"
  grep -q '^RESULT ' "$log" || echo "RESULT $name passed=0 failed=1 skipped=0" >>"$log"
  grep '^RESULT ' "$log" >>"$RESULTS"
  DONE+=("$name|$(results_sum "$log")|$(seconds_since "$began")")
}

soak_table() {
  local row name sum took
  printf '\n%-12s %-40s %8s\n' experiment result took
  for row in "${DONE[@]}"; do
    IFS='|' read -r name sum took <<<"$row"
    printf '%-12s %-40s %8s\n' "$name" "$sum" "$took"
  done
}
