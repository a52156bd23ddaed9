# tests/lint/strip.awk - shared by the lints on C: a line without comments, and without its literals
#
# strip(line) keeps "in a comment" from line to line; call it once for every line of a file and reset
# with strip_begin() at the first. code has literals emptied, strings holds the text of the literals.

function strip_begin() {
	in_comment = 0
}

function strip(line,	i, c, two, quote) {
	code = strings = ""
	quote = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		two = substr(line, i, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				i++
			}
		} else if (quote != "") {
			if (c == "\\") {
				strings = strings two
				i++
			} else if (c == quote) {
				code = code c
				strings = strings "\n"
				quote = ""
			} else
				strings = strings c
		} else if (two == "/*") {
			in_comment = 1
			i++
		} else if (two == "//")
			break
		else {
			if (c == "\"" || c == "'")
				quote = c
			code = code c
		}
	}
	return code
}

function report(rule, text) {
	printf "%s:%d: %s: %s\n", FILENAME, FNR, rule, text
}

# The path from src/ on, without what stands before: "domain/events.c"; "" for files elsewhere.
function in_src(path) {
	if (path !~ /(^|\/)src\//)
		return ""
	sub(/^.*\/src\//, "", path)
	sub(/^src\//, "", path)
	return path
}
