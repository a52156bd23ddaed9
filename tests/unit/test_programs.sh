#!/bin/sh
# tests/unit/test_programs.sh - worker and notifier started wrongly: what they say, how they end
build=${T_BUILDDIR:-.}
passed=0
failed=0

# name code text command…: it ends with that code, and says the text
says() {
	name=$1 code=$2 text=$3
	shift 3
	out=$(env -i ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"} \
		${MARQUEE_SITE_TEMPLATES:+"MARQUEE_SITE_TEMPLATES=$MARQUEE_SITE_TEMPLATES"} "$@" </dev/null 2>&1)
	got=$?
	if [ $got -eq "$code" ] && echo "$out" | grep -qF -- "$text"; then
		passed=$((passed + 1))
		echo "ok   $name"
	else
		failed=$((failed + 1))
		printf 'FAIL %s: ended with %s, not %s, or without "%s"\n%s\n' "$name" $got "$code" "$text" "$out"
	fi
}

worker=$build/marquee.fcgi
notifier=$build/marquee-notifier
secret=MARQUEE_AUTH_JWT_SECRET=0123456789abcdef0123456789abcdef

says worker_help 0 "usage: marquee.fcgi" "$worker" --help
says worker_version 0 "marquee.fcgi " "$worker" --version
says worker_option 64 "usage: marquee.fcgi" "$worker" --frobnicate
says worker_configuration 78 "the configuration cannot be used" "$worker" --config /nonexistent/x
says worker_flag 78 "the configuration cannot be used" "$worker" --config '' --set log.level=loud
says worker_secret 78 "auth.jwt_secret" "$worker" --config ''
says worker_log 78 "log.file cannot be opened" $secret "$worker" --config '' --set log.file=/dev/null/x
broken=$(mktemp -d)
cp -r "${T_SRCDIR:-$(dirname "$0")/../..}/templates/." "$broken"
chmod -R u+w "$broken"
printf '\n{{#x}}\n' >"$broken/error.mustache"
says worker_template 78 "/error.mustache:2: a section that is not closed" $secret \
	MARQUEE_SITE_TEMPLATES="$broken" "$worker" --config ''
says check_template 65 "/error.mustache:2: a section that is not closed" $secret \
	MARQUEE_SITE_TEMPLATES="$broken" "$build/marquee" --config '' --set db.dsn=x config check
printf '<p>' >"$broken/error.mustache"
says check_templates 0 "can be used" $secret \
	MARQUEE_SITE_TEMPLATES="$broken" "$build/marquee" --config '' --set db.dsn=x config check
printf '{\n"a": "b"\n"c": 1}\n' >"$broken/lang/de.json"
says worker_language 78 "/lang/de.json:3: a comma or } is expected here" $secret \
	MARQUEE_SITE_TEMPLATES="$broken" "$worker" --config ''
rm -r "$broken"
# Without a listening socket it is plain CGI: the answer of a service whose parts are all away.
says worker_cgi 0 "Status: 200" $secret REQUEST_METHOD=GET REQUEST_URI=/livez MARQUEE_DB_DSN=host=/nonexistent \
	MARQUEE_SHM_DIR=/dev/null/x "$worker"
says worker_cgi_database_away 0 "Status: 503" $secret REQUEST_METHOD=GET REQUEST_URI=/readyz \
	MARQUEE_DB_DSN=host=/nonexistent MARQUEE_SHM_DIR=/dev/null/x "$worker"

says notifier_help 0 "usage: marquee-notifier" "$notifier" --help
says notifier_version 0 "marquee-notifier " "$notifier" --version
says notifier_option 64 "try --help" "$notifier" --frobnicate
says notifier_argument 64 'unexpected argument "more"' "$notifier" more
says notifier_configuration 78 "the configuration is not acceptable" "$notifier" --config /nonexistent/x
says notifier_log 78 "log.file cannot be opened" "$notifier" --config '' --set log.file=/dev/null/x
says notifier_database 78 "db.dsn is not set" "$notifier" --config ''

echo "RESULT test_programs passed=$passed failed=$failed skipped=0"
[ $failed = 0 ]
