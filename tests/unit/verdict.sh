# shellcheck shell=sh
# tests/unit/verdict.sh - counts what the scripts of this folder find; sourced, not run
passed=0
failed=0
skipped=0

verdict() { # name, 0 = good, what was found
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok   $1"
	else
		failed=$((failed + 1))
		printf 'FAIL %s\n%s\n' "$1" "$3"
	fi
}

verdicts() { # name of the test: its last line, and what it ends with
	echo "RESULT $1 passed=$passed failed=$failed skipped=$skipped"
	[ "$failed" -eq 0 ]
}
