# shellcheck shell=bash disable=SC2034 # variables are shared with the other parts
# dev.d/packages.sh - installs missing Debian packages and leaves the machine otherwise as it was

PGV=15 # the PostgreSQL that Debian 12 ships

# Alternatives in one word, separated by |, the first is what we install.
PACKAGES_UP="gcc|build-essential make autoconf automake pkg-config|pkgconf libc6-dev
  libfcgi-dev libpq-dev libmemcached-dev librdkafka-dev libjwt-dev libssl-dev libjson-c-dev libsodium-dev
  libmd4c-dev libxxhash-dev liboath-dev libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev libcrypt-dev libcunit1-dev
  libqrencode-dev postgresql-$PGV postgresql-$PGV-postgis-3 memcached spawn-fcgi multiwatch kcat curl python3-aiosmtpd
  util-linux procps"
PACKAGES_CHECK="clang python3 python3-icalendar jq iproute2 openssl libapache2-mod-xsendfile strace valgrind zbar-tools" # and all web servers
PACKAGES_SOAK="sqlmap wapiti valgrind"
# Other sources' nodejs brings its npm along, and Debian's would take its place.
PACKAGES_BROWSER="chromium nodejs fonts-dejavu-core|fonts-liberation zbar-tools $(command -v npm >/dev/null || echo npm)"
PACKAGES_BROWSER_LONG="default-jre-headless|openjdk-17-jre-headless"
PACKAGES_COVERAGE="gcovr"
PACKAGES_FUZZ="clang libclang-rt-14-dev python3"
PACKAGES_BENCH="python3 wrk strace valgrind"

POLICY=/usr/sbin/policy-rc.d
CLUSTER_CONF=/etc/postgresql-common/createcluster.d/marquee-dev.conf
MARK='# placed by marquee ./dev for the time of one installation'

package_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints those of the words whose every alternative is missing. One question for all: it is asked often.
packages_missing() {
  local word name found there
  # shellcheck disable=SC2046 # words
  there=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $(tr '|' ' ' <<<"$*") 2>/dev/null) || true
  for word in "$@"; do
    found=
    for name in ${word//|/ }; do
      [[ $'\n'$there$'\n' != *$'\n'"$name installed"$'\n'* ]] || found=yes
    done
    [ -n "$found" ] || echo "${word%%|*}"
  done
}

as_admin() {
  if is_root; then "$@"; else sudo "$@"; fi
}

# No packaged server may start while we install, and no default cluster is made. Files that are there
# already are somebody else's and stay; our own, left by a killed run, are known by their mark.
guard_place() {
  if [ ! -e "$POLICY" ] || grep -qF "$MARK" "$POLICY" 2>/dev/null; then
    printf '#!/bin/sh\n%s\nexit 101\n' "$MARK" | as_admin tee "$POLICY" >/dev/null
    as_admin chmod 755 "$POLICY"
  fi
  if ! package_installed "postgresql-$PGV"; then
    as_admin mkdir -p "${CLUSTER_CONF%/*}"
    printf '%s\ncreate_main_cluster = false\n' "$MARK" | as_admin tee "$CLUSTER_CONF" >/dev/null
  fi
}

guard_remove() {
  local f
  for f in "$POLICY" "$CLUSTER_CONF"; do
    if grep -qF "$MARK" "$f" 2>/dev/null; then as_admin rm -f "$f"; fi
  done
  if [ -d "${CLUSTER_CONF%/*}" ]; then as_admin rmdir --ignore-fail-on-non-empty "${CLUSTER_CONF%/*}"; fi
}

# What we have just brought in shall not start at the next boot either.
services_disable() { # packages that were installed now
  local package unit
  for package in "$@"; do
    case $package in
      lighttpd | memcached | nginx) unit=$package ;;
      postgresql-*) unit=postgresql ;;
      *) continue ;;
    esac
    as_admin deb-systemd-helper disable "$unit.service" || true
    as_admin update-rc.d "$unit" disable || true
  done
}

apt_install() {
  as_admin env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends \
    -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    install "$@"
}

# apt-get update ends with 0 though an index is missing, and soon after boot apt-daily holds its lock: a few tries.
packages_install_now() {
  local fresh=() package tries=0
  for package in "$@"; do fresh+=("$package"); done
  trap guard_remove EXIT
  trap 'exit 130' INT TERM
  guard_place || return
  until apt_install "${fresh[@]}"; do
    [ $((tries += 1)) -le 3 ] || return
    [ $tries = 1 ] || sleep 20
    as_admin apt-get -q -o Acquire::Retries=5 update || true
  done
  services_disable "${fresh[@]}"
}

# In a subshell of its own, so that its traps clean up whatever happens, and only there.
packages_install() { ( packages_install_now "$@" ); }

packages_ensure() { # words as above
  local missing
  command -v dpkg-query >/dev/null || die "this script knows Debian packages only" \
    "elsewhere: ./configure && make, see HACKING.md"
  mapfile -t missing < <(packages_missing "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  say "  missing packages: ${missing[*]}"
  if ! is_root && ! command -v sudo >/dev/null; then
    die "packages are missing and there is no sudo; as root run:" "apt-get install ${missing[*]}"
  fi
  if ! is_root; then sudo -v || die "sudo was refused; as root run:" "apt-get install ${missing[*]}"; fi
  HINT="look at apt's message above; by hand: apt-get install ${missing[*]}" \
    step "installing ${#missing[@]} packages" packages packages_install "${missing[@]}"
}
