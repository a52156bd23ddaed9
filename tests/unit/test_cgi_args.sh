#!/bin/sh
# tests/unit/test_cgi_args.sh - a CGI query never reaches the worker as options (RFC 3875, 4.4)
build=${T_BUILDDIR:-.}
. "${T_SRCDIR:-$(dirname "$0")/../..}/tests/unit/verdict.sh"

# What a web server runs for GET /livez?--set+auth.jwt_issuer%3Dmallory: words as arguments.
cgi() {
	env -i ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"} "$@" \
		${MARQUEE_SITE_TEMPLATES:+"MARQUEE_SITE_TEMPLATES=$MARQUEE_SITE_TEMPLATES"} \
		MARQUEE_AUTH_JWT_SECRET=0123456789abcdef0123456789abcdef MARQUEE_DB_DSN=host=/nonexistent \
		MARQUEE_SHM_DIR=/dev/null/x REQUEST_URI=/livez REMOTE_ADDR=127.0.0.1 \
		"$build/marquee.fcgi" --set no.such.option=1 </dev/null 2>&1
}

out=$(cgi GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET)
echo "$out" | grep -q "^Status: 200"
verdict a_request_has_no_options $? "$out"

# The same words from an operator are options, and this one is wrong: the test above can fail.
out=$(cgi)
echo "$out" | grep -q 'no.such.option'
verdict an_operator_has $? "$out"

verdicts test_cgi_args
