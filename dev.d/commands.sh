# shellcheck shell=bash
# dev.d/commands.sh - the commands that work on one stack; check has its own file

cmd_build() { # prints the build folder: for test drivers; options of configure have one of their own
  local dir=$BUILD
  [ $# = 0 ] || dir=$STATE/build$(printf '%s' "$@" | tr -c 'a-z0-9\n' '-')
  QUIET=yes
  state_make
  state_lock
  packages_ensure $PACKAGES_UP
  [ -n "${MARQUEE_DEV_BUILD:-}" ] || step "building" build build_all "$dir" "$@"
  echo "$dir"
}

cmd_up() {
  local demo=yes web=yes began=$EPOCHREALTIME server
  server=$(server_chosen)
  while [ $# -gt 0 ]; do
    case $1 in
      --server) server=${2:-} && shift ;;
      --no-demo) demo='' ;;
      --no-web) web='' demo='' ;;
      --quiet) QUIET=yes ;;
      *) die "up knows --server NAME, --no-demo, --no-web and --quiet, not '$1'" ;;
    esac
    shift
  done
  server_check_name "$server"
  state_make
  state_lock
  # shellcheck disable=SC2046 # words
  packages_ensure $PACKAGES_UP $([ -z "$web" ] || server_packages "$server")
  state_populate
  up_build
  port_choose
  up_services
  [ -z "$web" ] || up_web "$server"
  [ -z "$demo" ] || [ -f "$STATE/demo.done" ] || step "loading demo data" demo demo_load
  say "  up after $(seconds_since "$began")"
  [ -z "$web" ] || up_words
}

up_build() {
  if [ -z "${MARQUEE_DEV_BUILD:-}" ]; then
    HINT="the whole output is in $LOGS/build.log" step "building" build build_all "$BUILD"
  elif [ ! -x "$INST/bin/marquee" ]; then
    die "MARQUEE_DEV_BUILD=$BUILD holds no finished build" "configure with --prefix=$INST, make install"
  fi
}

up_services() {
  step "PostgreSQL" database pg_up
  step "memcached" start memcached_start
  step "development broker" start devbroker_start
  step "mail server" start mail_start
  step "configuration" start conf_write
  HINT="./dev psql shows the database as it is" step "database schema" migrate db_migrate
}

up_web() { # server
  HINT="./dev logs notifier" step "notifier" start notifier_start
  if server_has_pool "$1"; then
    HINT="./dev logs workers" step "$WORKERS workers" start workers_start
  else
    piece_stop workers TERM 40
  fi
  HINT="./dev logs web" step "web server: $1" start web_start "$1"
  step "people to sign in as" start users_load
  step "health" start site_wait
}

up_words() {
  local u
  u=$(url)
  [ -z "$QUIET" ] || return 0
  cat <<TEXT

Site: $u/
Desk: $u/admin/   (staff: admin@example.org, an organizer: alice@example.org; password $DEV_PASSWORD)
Try:
  curl -s '$u/api/events?limit=3'
  curl -s -H "Authorization: Bearer \$(./dev token)" '$u/api/users/profile'
  curl -s '$u/health'
Next: ./dev status, ./dev logs, ./dev mail, ./dev psql, ./dev down
TEXT
}

cmd_down() {
  local purge='' name
  case ${1:-} in
    --purge) purge=yes ;;
    '') ;;
    *) die "down knows --purge, not '$1'" ;;
  esac
  if [ ! -d "$STATE" ]; then
    say "nothing to stop: there is no $STATE"
    return
  fi
  mkdir -p "$PIDS"
  state_lock
  for name in workers.old web workers notifier mail devbroker memcached postgresql; do
    ! piece_alive "$name" || say "  stopping $name"
    case $name in
      postgresql) piece_stop "$name" INT 60 ;;
      web) web_stop ;;
      *) piece_stop "$name" TERM 40 ;;
    esac
  done
  [ -z "$RUN" ] || rm -f "$RUN"/app/*.sock "$RUN"/app/broker*
  [ -z "$purge" ] || purge
}

# Only what we made: the folder itself may be somebody's.
purge() {
  if [ -n "$RUN" ] && [ -d "$RUN" ] && [ -O "$RUN" ]; then
    rm -rf "$(shm_dir)" "$RUN"
  fi
  rm -rf "$STATE"/build--* "$STATE"/soak "$STATE"/{build,pg,log,pid,web,mail,devbroker,marquee.conf,marquee.conf.new} \
    "$STATE"/{jwt_secret,password,demo.done,port,mailport,server,livez,run,lock}
  rmdir "$STATE" 2>/dev/null || true
  say "  removed the state in $STATE"
}

need_up() {
  piece_alive "${1:-postgresql}" || die "nothing runs here (state: $STATE)" "start it: ./dev up"
}

cmd_status() {
  local name pid all=0
  for name in $PIECES; do
    if pid=$(piece_pid "$name"); then
      printf '  %-12s up    pid %s%s\n' "$name" "$pid" "$(status_note "$name")"
    elif [ "$name" = workers ] && ! server_has_pool "$(server_chosen)"; then
      printf '  %-12s none  the web server starts the program itself\n' "$name"
    elif [ "$name" = mail ] && ! mail_wanted; then
      printf '  %-12s none  DEV_MAIL=PORT starts one here, too\n' "$name"
    else
      printf '  %-12s down\n' "$name"
      all=1
    fi
  done
  if [ -f "$STATE/port" ] && piece_alive web; then echo "  $(url)"; fi
  return $all
}

status_note() { # piece
  [ "$1" != web ] || printf '  %s' "$(server_chosen)"
}

cmd_url() {
  [ -f "$STATE/port" ] || die "no port is chosen yet" "start it: ./dev up"
  url
}

cmd_token() {
  local who=${1:-alice@example.org}
  [ "$who" != --admin ] || who=admin@example.org
  need_up
  cli_as marquee_owner user token "$who"
}

cmd_reload() {
  need_up web
  state_lock
  up_build
  if server_has_pool "$(server_chosen)"; then
    step "new workers" start workers_switch
  else
    step "web server" start web_reload
  fi
}

cmd_logs() {
  local files=("$LOGS"/*.log)
  [ -z "${1:-}" ] || files=("$LOGS/$1.log")
  [ -f "${files[0]}" ] || die "no log ${files[0]}" "there are: $(cd "$LOGS" 2>/dev/null && echo *.log)"
  exec tail -n 20 -F "${files[@]}"
}

# In the caller's own folder and under its own name, so that files given as arguments are found.
cmd_marquee() {
  need_up
  program_env marquee_owner
  exec "${PROGRAM_ENV[@]}" "$INST/bin/marquee" "$@"
}

cmd_psql() {
  need_up
  exec psql -d "$(dsn marquee_owner)" "$@"
}

cmd_kcat() {
  need_up devbroker
  exec kcat -b "$(<"$RUN/app/broker")" "$@"
}

cmd_broker() {
  need_up devbroker
  [ $# -gt 0 ] || die "broker needs: down, up, rtt MS, or error CODE [N]"
  "$STATE/devbroker" -s "$*" "$RUN/app/broker.ctl"
}

cmd_mail() {
  need_up mail
  exec python3 "$TOP/dev.d/mail.py" "$STATE/mail/box" "$@"
}

cmd_lint() { exec "$TOP/tests/lint/run" "$TOP"; }
