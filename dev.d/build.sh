# shellcheck shell=bash
# dev.d/build.sh - configures, compiles and installs into the build folder, never into the source tree

# configure is made anew when its sources are newer. Several ./dev may run: one makes it, all use it.
autotools_run() {
  (
    flock 8
    cd "$TOP" || exit
    if [ ! -f configure ] || [ ! -f Makefile.in ] ||
      [ -n "$(find configure.ac Makefile.am src sql templates doc contrib etc tests dev.d \
        \( -name '*.am' -o -name configure.ac \) -newer Makefile.in -print -quit)" ] ||
      [ configure.ac -nt configure ]; then
      autoreconf -fi && touch configure Makefile.in
    fi
  ) 8<"$TOP"
}

# build_configure FOLDER OPTION…: again only when the options or configure itself changed.
build_configure() {
  local dir=$1 stamp
  shift
  mkdir -p "$dir" || return
  stamp="$TOP $* $(cksum <"$TOP/configure")"
  if [ -f "$dir/Makefile" ] && [ "$(cat "$dir/.configured" 2>/dev/null)" = "$stamp" ]; then return 0; fi
  (cd "$dir" && "$TOP/configure" --quiet --prefix="$dir/inst" "$@") || return
  printf '%s\n' "$stamp" >"$dir/.configured"
}

build_make() { # folder target…
  local dir=$1
  shift
  make -C "$dir" --no-print-directory -j"$(nproc)" V="${V:-0}" "$@"
}

# Unchanged files keep their time stamps (install -C), so that running pieces are left alone. A
# migration that was renamed or taken back must not stay among the installed ones.
build_all() { # folder configure-option…
  local dir=$1
  autotools_run && build_configure "$@" && build_make "$dir" all &&
    rm -rf "$dir/inst/share/marquee/sql" &&
    build_make "$dir" install INSTALL='install -C' >/dev/null
}
