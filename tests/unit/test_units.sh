#!/bin/sh
# tests/unit/test_units.sh - systemd takes our units without a word, and the libfcgi trap stays shut
build=${T_BUILDDIR:-.}
. "${T_SRCDIR:-$(dirname "$0")/../..}/tests/unit/verdict.sh"

if ! command -v systemd-analyze >/dev/null; then
	echo "skip: no systemd-analyze here"
	echo "RESULT test_units passed=0 failed=0 skipped=1"
	exit 77
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# The programs are not installed yet: those of the build stand in.
for unit in marquee.socket marquee.service marquee-notifier.service marquee-backup.service marquee-backup.timer; do
	sed "s#^\(Exec[A-Za-z]*=\)[^ ]*/\(marquee[a-z.-]*\)#\1$build/\2#; s# -- [^ ]*/marquee.fcgi# -- $build/marquee.fcgi#" \
		"$build/etc/$unit" >"$tmp/$unit"
done

verify() { systemd-analyze verify --man=no "$tmp"/*.socket "$tmp"/*.service "$tmp"/*.timer 2>&1 | grep -F "$tmp"; }

out=$(verify)
[ -z "$out" ]
verdict units_are_taken $? "$out"

out=$(grep -L '^StandardInput=socket' "$tmp/marquee.service"; grep '@[a-z]*@' "$build"/etc/marquee*)
[ -z "$out" ]
verdict the_socket_is_descriptor_0_and_nothing_is_left_to_fill_in $? "$out"

# The first of these can fail.
echo 'RestrictNothing=yes' >>"$tmp/marquee.service"
out=$(verify)
echo "$out" | grep -q 'RestrictNothing'
verdict a_wrong_line_is_found $? "$out"

verdicts test_units
