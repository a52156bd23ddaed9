# src/db/genqueries.awk - makes the enum and the table of statements from sql/queries/*.sql
#
# awk -v mode=h FILES > queries.h     the enum
# awk -v mode=c FILES > queries.c     the table query_rows of db/db.h
# awk -v mode=t FILES > some_test.h   both for a test of its own: enum test_query, test_rows[]
#
# A statement stands below its header and its comment:
#	-- name: EVENTS_GET_FOR (id uuid, viewer uuid) optional
#	-- One event and what depends on who reads.
#	SELECT ... WHERE id = :id AND ...;
# The header may run over several comment lines up to its kind. Kinds: one optional many none
# effect; the word "writes" after the kind marks a SELECT that changes something, "audited" one that
# tells the audit log who asks for it. Refused: a name
# that is not in the list, a listed one that is not used, a name given twice, a second statement,
# an unknown type. POSIX awk only: tried with mawk, gawk and busybox.

function complain(text) {
	if (failed)
		return
	printf "%s:%d: %s\n", file, line, text | "cat 1>&2"
	close("cat 1>&2")
	failed = 1
	exit 1
}

function trim(s) {
	sub(/^[ \t\n]+/, "", s)
	sub(/[ \t\n]+$/, "", s)
	return s
}

# The parameter list "id uuid, viewer uuid" into position[], used[], arity and types.
function parameters(list,	i, n, part, word) {
	split("", position)
	split("", used)
	arity = 0
	types = ""
	list = trim(list)
	if (list == "")
		return
	n = split(list, part, ",")
	for (i = 1; i <= n; i++) {
		if (split(trim(part[i]), word, /[ \t]+/) != 2 || word[1] !~ /^[a-z][a-z0-9_]*$/)
			complain("parameter is not \"name type\": " trim(part[i]))
		if (word[1] in position)
			complain("parameter " word[1] " twice")
		if (!(word[2] in oid))
			complain("unknown type " word[2])
		arity++
		position[word[1]] = arity
		names[arity] = word[1]
		types = types (arity > 1 ? ", " : "") oid[word[2]]
	}
}

# "-- name: EVENTS_GET (id uuid) optional" into name, kind, writes and the parameters.
function header(text,	open, shut, rest, word, n) {
	sub(/^-- name:[ \t]*/, "", text)
	open = index(text, "(")
	shut = index(text, ")")
	if (open == 0 || shut < open)
		complain("header is not \"-- name: NAME (parameters) kind\"")
	name = trim(substr(text, 1, open - 1))
	if (name !~ /^[A-Z][A-Z0-9_]*$/)
		complain("bad name " name)
	if (name in defined)
		complain("name " name " twice, first in " defined[name])
	defined[name] = file ":" line
	parameters(substr(text, open + 1, shut - open - 1))
	rest = trim(substr(text, shut + 1))
	n = split(rest, word, /[ \t]+/)
	if (n < 1 || n > 2 || !(word[1] in kinds) || (n == 2 && word[2] !~ /^(writes|audited)$/))
		complain("kind must be one, optional, many, none or effect, not \"" rest "\"")
	kind = word[1]
	audited = word[2] == "audited"
	writes = n == 2 || kind == "effect" || kind == "none"
}

# Appends one piece of SQL; quoted pieces are also kept out of the text searched for keywords.
function put(s, quoted) {
	sql = sql s
	bare = bare (quoted ? " " : s)
}

# Where the quoted piece that begins at i ends; the mark ends it (doubled quotes need no care:
# the second one opens the next piece).
function quote_end(s, i, mark,	at) {
	at = index(substr(s, i + length(mark)), mark)
	if (at == 0)
		complain("no end of quote " mark " in " name)
	return i + length(mark) + at - 1 + length(mark) - 1
}

# A parameter or a bare colon at i; returns the last place used up.
function colon(s, i,	word) {
	if (substr(s, i + 1, 1) == ":" || substr(s, i + 1, 1) == "=") {
		put(substr(s, i, 2), 0)
		return i + 1
	}
	if (!match(substr(s, i + 1), /^[a-z_][a-z0-9_]*/)) {
		put(":", 0)
		return i
	}
	word = substr(s, i + 1, RLENGTH)
	if (!(word in position))
		complain("statement " name " uses :" word ", which is not in its list")
	used[word] = 1
	put("$" position[word], 0)
	return i + length(word)
}

# One token of s at i that begins with ch; returns its last place.
function token(s, i, ch,	end) {
	if (ch == "'" || ch == "\"") {
		end = quote_end(s, i, ch)
		put(substr(s, i, end - i + 1), 1)
		return end
	}
	if (ch == ":")
		return colon(s, i)
	if (ch == "-" && substr(s, i, 2) == "--") {
		end = index(substr(s, i), "\n")
		return end ? i + end - 2 : length(s)
	}
	if (ch == "/" && substr(s, i, 2) == "/*") {
		end = index(substr(s, i), "*/")
		if (!end)
			complain("no end of comment in " name)
		return i + end
	}
	if (ch == "$" && match(substr(s, i), /^\$[A-Za-z_]*\$/)) {
		end = quote_end(s, i, substr(s, i, RLENGTH))
		put(substr(s, i, end - i + 1), 1)
		return end
	}
	if (ch == "$" && substr(s, i + 1, 1) ~ /[0-9]/)
		complain("write :name, not " substr(s, i, 2) ", in " name)
	put(ch, 0)
	return i
}

# The statement as it is sent: comments gone, white space folded, $n for :name.
function statement(s,	i, n, ch, done) {
	sql = bare = ""
	n = length(s)
	for (i = 1; i <= n; i++) {
		ch = substr(s, i, 1)
		if (ch == " " || ch == "\t" || ch == "\n") {
			if (sql != "" && sql !~ / $/)
				put(" ", 0)
			continue
		}
		if (ch == ";") {
			done = 1
			continue
		}
		if (done && !(substr(s, i, 2) == "--" || substr(s, i, 2) == "/*"))
			complain("a second statement in " name)
		i = token(s, i, ch)
	}
	sql = trim(sql)
	if (sql == "")
		complain("no statement for " name)
	if (!done)
		complain("no semicolon after " name)
	for (i = 1; i <= arity; i++)
		if (!(names[i] in used))
			complain("parameter " names[i] " of " name " is not used")
	if (toupper(" " bare " ") ~ /[^A-Z0-9_](INSERT|UPDATE|DELETE|MERGE|CALL|TRUNCATE)[^A-Z0-9_]/)
		writes = 1
}

# The effect inside its idempotency wrapper. The condition on prior has no columns of the effect,
# so the planner makes it a one-time filter: the effect does not run when an answer is stored. A
# request that is stored meanwhile makes the INSERT fail (23505) and takes the effect back with it.
function wrap(	a, k, f, columns) {
	a = "$" (arity + 1)
	k = "$" (arity + 2)
	f = "$" (arity + 3)
	columns = "status, code, body, details, keys"
	return "WITH prior AS MATERIALIZED (SELECT " columns ", fingerprint" \
		" FROM marquee.idempotency_keys WHERE actor = " a " AND key = " k \
		" AND created_at >= now() - interval '24 hours')," \
		" eff AS MATERIALIZED (SELECT e.* FROM (" sql ") e" \
		" WHERE NOT EXISTS (SELECT FROM prior))," \
		" keep AS (INSERT INTO marquee.idempotency_keys (actor, key, fingerprint, " columns ")" \
		" SELECT " a ", " k ", " f ", " columns " FROM eff WHERE status < 500)" \
		" SELECT " columns ", NULL::text AS stored_fingerprint FROM eff" \
		" UNION ALL SELECT " columns ", fingerprint FROM prior"
}

# s as a C literal over several lines.
function literal(s,	i, n, ch, out, width) {
	out = "\""
	n = length(s)
	for (i = 1; i <= n; i++) {
		ch = substr(s, i, 1)
		if (ch == "\\" || ch == "\"" || ch == "?")
			ch = "\\" ch
		else if (ch == "\n")
			ch = "\\n"
		else if (ch == "\t")
			ch = "\\t"
		out = out ch
		width += length(ch)
		if (ch == " " && width > 66 && i < n) {
			out = out "\"\n\t\t\t\""
			width = 0
		}
	}
	return out "\""
}

function finish(	shown) {
	if (name == "")
		return
	if (open_header)
		complain("header without kind")
	statement(body)
	if (kind == "effect" && toupper(sql) !~ /^SELECT F\.\* FROM /)
		complain("an effect reads SELECT f.* FROM function(...) f")
	if (kind == "effect")
		types = types (arity ? ", " : "") oid["uuid"] ", " oid["text"] ", " oid["text"]
	shown = file
	sub(/^.*\/sql\/queries\//, "sql/queries/", shown)
	enum_text = enum_text "\t" prefix name ",\n"
	if (types != "")
		types_text = types_text "static const Oid types_" count "[] = { " types " };\n"
	rows_text = rows_text "\t[" prefix name "] = {\n\t\t.name = \"" name "\",\n" \
		"\t\t.kind = QUERY_" toupper(kind) ",\n\t\t.arity = " arity ",\n" \
		"\t\t.types = " (types != "" ? "types_" count : "NULL") ",\n" \
		"\t\t.writes = " (writes ? "true" : "false") ",\n" \
		(audited ? "\t\t.audited = true,\n" : "") \
		"\t\t.file = " literal(shown) ",\n\t\t.line = " line ",\n" \
		"\t\t.text = " literal(sql) ",\n" \
		(kind == "effect" ? "\t\t.keyed = " literal(wrap()) ",\n" : "") "\t},\n"
	count++
	name = ""
}

BEGIN {
	split("one optional many none effect", words, " ")
	for (i in words)
		kinds[words[i]] = 1
	# Fixed OIDs of pg_type. citext is an extension's type: 0 lets the server infer it, where
	# text would turn a comparison of e-mail addresses into one that minds the case.
	n = split("bool 16 bytea 17 int8 20 int2 21 int4 23 text 25 json 114 float4 700 float8 701 " \
		"inet 869 bool[] 1000 int4[] 1007 text[] 1009 int8[] 1016 float4[] 1021 " \
		"float8[] 1022 date 1082 time 1083 timestamptz 1184 timestamptz[] 1185 " \
		"interval 1186 numeric 1700 uuid 2950 uuid[] 2951 jsonb 3802 pg_snapshot 5038 " \
		"xid8 5069 citext 0", words, " ")
	for (i = 1; i < n; i += 2)
		oid[words[i]] = words[i + 1]
	prefix = mode == "t" ? "T_" : "Q_"
	count = 0
}

FNR == 1 {
	finish()
	file = FILENAME
}

/^-- name:/ {
	finish()
	line = FNR
	head = body = ""
	open_header = 1
	name = "?"
}

open_header {
	if ($0 !~ /^--/)
		complain("header without kind")
	text = $0
	if (head != "")
		sub(/^--/, "", text)
	head = trim(head " " text)
	if (head ~ /\)[ \t]*[a-z]/) {
		open_header = 0
		header(head)
	}
	next
}

name == "" && !/^[ \t]*(--.*)?$/ {
	line = FNR
	complain("text outside of a statement")
}

name != "" {
	body = body $0 "\n"
}

END {
	if (!failed)
		finish()
	if (!failed && count == 0) {
		print "genqueries.awk: no statements" | "cat 1>&2"
		failed = 1
	}
	if (failed)
		exit 1
	note = "/* Generated by src/db/genqueries.awk from the SQL files; do not edit. */\n"
	if (mode == "h")
		printf "%s", note "#ifndef DB_QUERIES_H\n#define DB_QUERIES_H\n\nenum query {\n" \
			enum_text "\tQ_COUNT\n};\n\n#endif\n"
	else if (mode == "c")
		printf "%s", note "#include \"db/db.h\"\n\n" types_text \
			"\nconst struct query_row query_rows[Q_COUNT] = {\n" rows_text "};\n"
	else
		printf "%s", note "#include \"db/db.h\"\n\nenum test_query {\n" enum_text \
			"\tT_COUNT\n};\n\n" types_text \
			"\nstatic const struct query_row test_rows[T_COUNT] = {\n" rows_text "};\n"
}
