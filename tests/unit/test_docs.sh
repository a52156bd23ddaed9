#!/bin/sh
# tests/unit/test_docs.sh - the manual and the completion know every command, option and signal there is
src=${T_SRCDIR:-$(dirname "$0")/../..}
. "$src/tests/unit/verdict.sh"
build=${T_BUILDDIR:-$src}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

marquee() { env -i ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"} "$build/marquee" --config '' "$@"; }

# Words of the help: commands at two blanks, their options anywhere.
marquee --help >"$tmp/help"
commands=$(sed -n 's/^  \([a-z][a-z]*\).*/\1/p' "$tmp/help")
options=$(grep -o -- '--[a-z][a-z-]*' "$tmp/help" | sort -u)

missing=
for word in $commands; do
	grep -q "^\.It Cm $word\b" "$src/doc/marquee.1" || missing="$missing $word"
done
[ -n "$commands" ] && [ -z "$missing" ]
verdict manual_has_every_command $? "missing in doc/marquee.1:$missing"

missing=
for word in $options; do
	grep -q -- "Fl -${word#--}\b" "$src/doc/marquee.1" || missing="$missing $word"
done
[ -z "$missing" ]
verdict manual_has_every_option $? "missing in doc/marquee.1:$missing"

missing=
for word in $commands $options; do
	grep -q -- "[ \"|]$word[ \"|)]" "$src/contrib/bash-completion/marquee" || missing="$missing $word"
done
[ -z "$missing" ]
verdict completion_has_every_word $? "missing in contrib/bash-completion/marquee:$missing"

marquee config man >"$tmp/options"
sed -e "/^@OPTIONS@\$/{r $tmp/options" -e 'd' -e '}' "$src/doc/marquee.conf.5.in" >"$tmp/marquee.conf.5"
missing=
for word in $(marquee config list | sed 's/ =.*//'); do
	grep -q "^\.It Cm $word\$" "$tmp/marquee.conf.5" || missing="$missing $word"
done
[ -z "$missing" ]
verdict manual_has_every_setting $? "missing in marquee.conf(5):$missing"

if command -v mandoc >/dev/null; then
	for page in "$src/doc/marquee.1" "$src/doc/marquee-notifier.8" "$src/doc/marquee.fcgi.8" \
		"$tmp/marquee.conf.5"; do
		found=$(mandoc -Tlint "$page" 2>/dev/null | grep -v 'referenced manual not found')
		[ -z "$found" ]
		verdict "lint_${page##*/}" $? "$found"
	done
else
	skipped=1
	echo "SKIP lint: no mandoc"
fi

verdicts test_docs
