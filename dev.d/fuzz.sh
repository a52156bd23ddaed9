# shellcheck shell=bash
# dev.d/fuzz.sh - lets libFuzzer hunt for inputs that break a parser; the targets are in tests/fuzz

FUZZ_SANITIZE=address,undefined,fuzzer-no-link

cmd_fuzz() { # [--keep] [TARGET…] [SECONDS]
  local word seconds=60 keep='' targets=() found=0
  for word in "$@"; do
    case $word in
      --keep) keep=yes ;;
      *[!0-9]*)
        [ -f "$TOP/tests/fuzz/fuzz_$word.c" ] || die "no fuzz target '$word'" "there are: $(fuzz_targets | xargs)"
        targets+=("$word")
        ;;
      *) seconds=$word ;;
    esac
  done
  [ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(fuzz_targets)
  state_make
  packages_ensure $PACKAGES_UP $PACKAGES_FUZZ
  FUZZ=$STATE/fuzz
  mkdir -p "$FUZZ/found"
  step "building the targets" fuzz fuzz_build
  printf '  %-9s %8s %12s %8s %8s\n' target seconds executions inputs found
  for word in "${targets[@]}"; do
    fuzz_one "$word" "$seconds" || found=1
    [ -z "$keep" ] || fuzz_keep "$word"
  done
  [ $found = 0 ] || fuzz_words
  return $found
}

fuzz_targets() {
  local file
  for file in "$TOP"/tests/fuzz/fuzz_*.c; do
    file=${file##*/fuzz_}
    echo "${file%.c}"
  done
}

# libFuzzer brings a main of its own, so only the targets are linked with it.
fuzz_build() {
  local CC=clang dir=$FUZZ/build targets
  export CC
  mapfile -t targets < <(fuzz_targets)
  autotools_run && build_configure "$dir" --enable-sanitize=$FUZZ_SANITIZE --enable-werror &&
    build_make "$dir" src/db/queries.h &&
    build_make "$dir" LDFLAGS=-fsanitize=fuzzer "${targets[@]/#/tests/fuzz/fuzz_}"
}

fuzz_run() { # target libFuzzer's arguments…
  local target=$1
  shift
  (cd / && ASAN_OPTIONS=quarantine_size_mb=32 nice -n 19 "$FUZZ/build/tests/fuzz/fuzz_$target" \
    -max_len=4096 -timeout=10 -rss_limit_mb=2000 -artifact_prefix="$FUZZ/found/$target-" "$@")
}

# Goes on from the committed corpus and from what earlier runs have gathered.
fuzz_one() { # target seconds
  local log=$FUZZ/$1.log status=0 runs began=$EPOCHSECONDS
  python3 "$TOP/tests/fuzz/corpus.py" unpack "$TOP/tests/fuzz/corpus/$1.txt" "$FUZZ/$1"
  fuzz_run "$1" -max_total_time="$2" -print_final_stats=1 "$FUZZ/$1" >"$log" 2>&1 || status=1
  runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
  printf '  %-9s %8s %12s %8s %8s\n' "$1" $((EPOCHSECONDS - began)) "${runs:-none}" \
    "$(find "$FUZZ/$1" -type f | wc -l)" $status
  [ $status = 0 ] || tail -n 30 "$log" | sed 's/^/   | /'
  return $status
}

# The committed lines stay; of the rest those are added that reach something new, and what was found.
fuzz_keep() { # target
  local kept=$FUZZ/$1.kept file=$TOP/tests/fuzz/corpus/$1.txt
  rm -rf "$kept"
  python3 "$TOP/tests/fuzz/corpus.py" unpack "$file" "$kept"
  fuzz_run "$1" -max_len=1024 -merge=1 "$kept" "$FUZZ/$1" >"$FUZZ/$1.merge.log" 2>&1 ||
    die "merging $1 failed: $FUZZ/$1.merge.log"
  find "$FUZZ/found" -name "$1-*" -exec cp {} "$kept/" \;
  python3 "$TOP/tests/fuzz/corpus.py" pack "$kept" >"$kept.txt" && cp "$kept.txt" "$file"
}

fuzz_words() {
  cat <<TEXT
What was found lies in $FUZZ/found; one alone, with a trace:
  $FUZZ/build/tests/fuzz/fuzz_TARGET FILE
Mend it, then ./dev fuzz --keep TARGET 10 puts the input into the corpus, which ./dev check replays.
TEXT
}
