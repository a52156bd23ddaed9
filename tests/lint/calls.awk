# tests/lint/calls.awk - functions that nobody calls, and memory calls where an arena owns everything
# (use with strip.awk)

BEGIN {
	n = split("strcpy strcat sprintf vsprintf strtok atoi atol atoll atof gets alloca tmpnam mktemp", word, " ")
	for (i = 1; i <= n; i++)
		forbidden[word[i]] = 1
	n = split("malloc calloc realloc free strdup strndup asprintf vasprintf", word, " ")
	for (i = 1; i <= n; i++)
		memory[word[i]] = 1
	n = split("api site admin web domain", word, " ")
	for (i = 1; i <= n; i++)
		arena[word[i]] = 1
}

# Calls that only these files answer for.
BEGIN {
	only["place_html"] = " src/web/place.c src/web/place.h src/web/markdown.c src/web/qr.c "
}

FNR == 1 {
	strip_begin()
	layer = in_src(FILENAME)
	sub(/\/.*/, "", layer)
}

{
	rest = strip($0)
	if (rest ~ /^[ \t]*#/)
		next
	while (match(rest, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
		name = substr(rest, RSTART, RLENGTH - 1)
		sub(/[ \t]+$/, "", name)
		if (name in forbidden)
			report("calls", name "() is not used here")
		if (layer in arena && name in memory)
			report("calls", name "(): memory in " layer " comes from the arena")
		if (name in only && layer != "" && !index(only[name], " " FILENAME " "))
			report("calls", name "() is called by" only[name] "alone")
		rest = substr(rest, RSTART + RLENGTH)
	}
}
