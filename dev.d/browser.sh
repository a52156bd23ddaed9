# shellcheck shell=bash
# dev.d/browser.sh - pages in a real browser: pictures of all of them, and what tools find wrong

# Node's packages lie in the state folder, in the versions that tests/browser/package.json names.
browser_prepare() {
  local word
  for word in node npm chromium; do
    command -v "$word" >/dev/null || packages_ensure $PACKAGES_BROWSER
  done
  mkdir -p "$STATE/browser"
  cp "$TOP"/tests/browser/*.mjs "$STATE/browser/"
  cmp -s "$TOP/tests/browser/package.json" "$STATE/browser/package.json" && [ -e "$STATE/browser/fetched" ] && return
  cp "$TOP/tests/browser/package.json" "$STATE/browser/"
  rm -f "$STATE/browser/fetched"
  (cd "$STATE/browser" && npm install --no-audit --no-fund --no-package-lock >npm.log 2>&1) ||
    { tail -n 20 "$STATE/browser/npm.log" >&2; die "node's packages could not be fetched"; }
  touch "$STATE/browser/fetched"
}

# The site that is up, with its demo data.
browser_run() {
  [ -e "$STATE/port" ] || die "nothing is up: ./dev up"
  browser_prepare
  (cd "$STATE/browser" && T_URL=$(cmd_url) node "$@")
}

cmd_screenshots() {
  browser_run screenshots.mjs "$(realpath -m "${1:-$STATE/screenshots}")"
}

cmd_browser() {
  browser_run check.mjs
}
