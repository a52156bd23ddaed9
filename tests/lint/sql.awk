# tests/lint/sql.awk - SQL travels as constants with parameters (use with strip.awk)
#
# Only src/db calls libpq's functions that run text; no literal that reads like SQL has a printf
# conversion in it; the text given to db_simple() elsewhere is a literal.

FNR == 1 {
	strip_begin()
	path = in_src(FILENAME)
	layer = path
	sub(/\/.*/, "", layer)
	sql_open = 0
}

path != "" {
	line = strip($0)
	if (layer != "db" && line ~ /(^|[^A-Za-z0-9_])PQ(exec|execParams|execPrepared|prepare|send[A-Z][A-Za-z]*)[ \t]*\(/)
		report("sql", "only src/db runs statements")
	if (layer != "db" && line ~ /(^|[^A-Za-z0-9_])db_simple[ \t]*\([^,]*,[ \t]*[^" \t]/)
		report("sql", "db_simple() takes a literal")
	if (layer != "db" && line ~ /(^|[^A-Za-z0-9_])db_run_text[ \t]*\([^,]*,[^,]*,[ \t]*"/ && strings ~ /%[-0-9.*]*(l|ll|z)?[sdiux]/)
		report("sql", "the text of db_run_text() is no format")
	# a literal that begins like a statement, and the literals joined to it on the next lines
	if (strings ~ /(^|\n)[ ]*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|CALL|COPY|SET|ALTER|CREATE|DROP) /)
		sql_open = 1
	else if (line !~ /^[ \t]*"/)
		sql_open = 0
	if (sql_open && strings ~ /%[-0-9.*]*(l|ll|z)?[sdiux]/)
		report("sql", "a printf conversion inside SQL; use a parameter")
	if (line ~ /;[ \t]*$/)
		sql_open = 0
}
