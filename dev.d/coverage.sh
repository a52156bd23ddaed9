# shellcheck shell=bash
# dev.d/coverage.sh - which lines and branches the tests run, and whether that is enough

cmd_coverage() { # [unit|service|e2e…]: those tests only, and no bars
  local part parts="unit service e2e" bars=--bars
  for part in "$@"; do
    case $part in unit | service | e2e) ;; *) die "coverage knows unit, service and e2e, not '$part'" ;; esac
  done
  [ $# = 0 ] || parts=$* bars=
  state_make
  packages_ensure $PACKAGES_UP $PACKAGES_CHECK $PACKAGES_COVERAGE
  COVERED=$STATE/coverage
  mkdir -p "$COVERED"
  step "building" coverage-build coverage_build
  coverage_reset
  for part in $parts; do
    printf '  %-46s' "$part tests …"
    coverage_part "$part" >"$COVERED/$part.log" 2>&1 || part_failed "$COVERED/$part.log"
    results_sum "$COVERED/$part.log"
    echo
  done
  coverage_print $bars
}

coverage_build() {
  CC=gcc build_all "$COVERED/build" --enable-coverage
}

# Programs of several users add to the same counts, so that the files are there and everybody's.
coverage_reset() {
  local notes
  find "$COVERED/build" -name '*.gcda' -delete
  find "$COVERED/build" -name '*.gcno' | while IFS= read -r notes; do
    : >"${notes%.gcno}.gcda"
    chmod 0666 "${notes%.gcno}.gcda"
  done
}

part_failed() {
  echo "failed; the end of $1:"
  tail -n 25 "$1" | sed 's/^/  | /'
}

coverage_part() { # name
  local tests
  export MARQUEE_DEV_BUILD=$COVERED/build
  unset MARQUEE_DEV_STATE
  case $1 in
    unit)
      mapfile -t tests < <(make -s -C "$MARQUEE_DEV_BUILD" --no-print-directory list-tests |
        grep -E '^tests/(unit|fuzz)/')
      build_make "$MARQUEE_DEV_BUILD" check TESTS="${tests[*]}"
      tests=("${tests[@]/#/$MARQUEE_DEV_BUILD/}")
      cat "${tests[@]/%/.log}" | grep '^RESULT '
      ;;
    *) "$TOP/tests/$1/run" ;;
  esac
}

coverage_print() { # [--bars]
  find "$COVERED/build" -name '*.gcda' -empty -delete
  gcovr --root "$TOP" --object-directory "$COVERED/build" --filter "$TOP/src/" --json "$COVERED/counts.json" \
    -j 2 "$COVERED/build" >"$COVERED/gcovr.log" 2>&1 || die "gcovr failed: $COVERED/gcovr.log"
  python3 "$TOP/dev.d/coverage.py" "$@" "$COVERED/counts.json" | tee "$COVERED/last.txt"
  return "${PIPESTATUS[0]}"
}
