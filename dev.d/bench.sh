# shellcheck shell=bash
# dev.d/bench.sh - how fast it is: everything beside its limit, in one run, on a throwaway stack

cmd_bench() {
  case " $* " in *" -h "* | *" --help "*) T_DEV=$TOP/dev exec python3 "$TOP/tests/bench/bench.py" --help ;; esac
  state_make
  # shellcheck disable=SC2046 # words
  packages_ensure $PACKAGES_UP $PACKAGES_BENCH $(servers_packages)
  [ -n "${MARQUEE_DEV_BUILD:-}" ] || (state_lock && CC=gcc build_all "$BUILD" >"$STATE/build.log" 2>&1) ||
    { tail -n 30 "$STATE/build.log" >&2; die "building failed"; }
  MARQUEE_DEV_BUILD=$BUILD T_DEV=$TOP/dev PYTHONDONTWRITEBYTECODE=1 exec python3 "$TOP/tests/bench/bench.py" "$@"
}
