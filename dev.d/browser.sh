# shellcheck shell=bash
# dev.d/browser.sh - pages in a real browser: what is wrong with them, and pictures of all of them

# What no registry answering looks like in npm's words; anything else is a mistake.
NPM_AWAY='code (ENOTFOUND|EAI_AGAIN|ECONN[A-Z]*|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|E403|E50[0-9]|ERR_SOCKET_TIMEOUT|ENOTCACHED)'

# That a registry cannot be reached is known after a minute or two.
npm_install() { # folder
  (cd "$1" && npm install --prefer-offline --no-audit --no-fund --no-package-lock --fetch-retries=5 \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=3000 >npm.log 2>&1)
}

# Node's packages in the versions that a file of tests/browser names: into that folder, once.
# 0 they are there; 2 the registry cannot be reached, which is said.
browser_fetch() { # folder file.json
  local folder=$1 wanted=$TOP/tests/browser/$2
  mkdir -p "$folder"
  cmp -s "$wanted" "$folder/package.json" && [ -e "$folder/fetched" ] && return
  rm -rf "$folder/fetched" "$folder/node_modules"
  cp "$wanted" "$folder/package.json"
  if ! npm_install "$folder" && ! npm_install "$folder"; then # again: a download may come cut short
    tail -n 5 "$folder/npm.log"
    ! grep -qE "$NPM_AWAY" "$folder/npm.log" || return 2
    return 1
  fi
  touch "$folder/fetched"
}

# The site that is up, with its demo data.
cmd_screenshots() { # [FOLDER [PAGE…]]
  local folder
  folder=$(realpath -m "${1:-$STATE/screenshots}")
  need_up web
  packages_ensure $PACKAGES_BROWSER
  browser_fetch "$STATE/browser" package.json || die "node's packages could not be fetched"
  cp "$TOP"/tests/browser/*.mjs "$STATE/browser/"
  (cd "$STATE/browser" && T_URL=$(cmd_url) T_DEV=$TOP/dev MARQUEE_DEV_STATE=$STATE node screenshots.mjs "$folder" "${@:2}")
}

# The long form of ./dev check browser, beside whatever is up: demo data, and the tools that are large.
cmd_browser() { # [NAME…]
  local build
  packages_ensure $PACKAGES_UP $PACKAGES_BROWSER $PACKAGES_BROWSER_LONG
  build=$(cmd_build)
  browser_fetch "$STATE/browser" package.json || die "node's packages could not be fetched"
  if browser_fetch "$STATE/browser/long" long.json; then
    export T_VNU=$STATE/browser/long/node_modules/vnu-jar/build/dist/vnu.jar T_LIGHTHOUSE=$STATE/browser/long
  fi
  T_NODE=$STATE/browser T_LONG=1 T_DEMO=1 T_SHOW=1 MARQUEE_DEV_BUILD=$build env -u MARQUEE_DEV_STATE -u MARQUEE_DEV_PORT \
    "$TOP/tests/browser/run" "$@"
}

# A part of ./dev check: skipped, and said so, where the packages cannot be had or cannot run.
check_browser() {
  local status=0
  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { browser_skip "Node $(node -v) is older than 20"; return; }
  browser_fetch "$CHECK/browser" package.json || status=$?
  [ $status != 2 ] || { browser_skip "npm's registry cannot be reached from here"; return; }
  [ $status = 0 ] || return
  T_NODE=$CHECK/browser check_suite san browser
}

browser_skip() { # reason
  echo "SKIP browser: $1"
  echo "RESULT browser passed=0 failed=0 skipped=1"
}
