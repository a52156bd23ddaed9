# tests/lint/shape.awk - sizes: function, depth, parameters, file, header, line (use with strip.awk)
#
# A function begins at the line of its name (column 0) and ends at the brace in column 0. Depth
# counts braces with the body as 1; braces closed on their own line (initialisers) do not count.

BEGIN {
	MAX_FUNCTION = 60
	MAX_DEPTH = 4
	MAX_PARAMETERS = 5
	MAX_FILE = 600
	MAX_HEADER = 120
	MAX_COLUMNS = 100
}

function columns(line,	i, n, c) {
	gsub(/[\200-\277]/, "", line)	# what continues a UTF-8 character takes no column
	n = 0
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		n += c == "\t" ? 8 - n % 8 : 1
	}
	return n
}

# Commas at depth 1 of the last parenthesis group that begins at depth 0.
function parameters(text,	i, c, depth, n, any) {
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "(" && depth++ == 0) {
			n = 1
			any = ""
		} else if (c == ")")
			depth--
		else if (c == "," && depth == 1)
			n++
		else if (depth > 0)
			any = any c
	}
	return any ~ /^[ \t]*(void)?[ \t]*$/ ? 0 : n
}

function file_end() {
	if (last_file == "")
		return
	limit = last_file ~ /\.h$/ ? MAX_HEADER : MAX_FILE
	if (lines > limit)
		printf "%s:%d: shape-file: %d lines (%d at most)\n", last_file, lines, lines, limit
}

FNR == 1 {
	file_end()
	strip_begin()
	last_file = FILENAME
	in_function = depth = 0
	signature = ""
}

{
	lines = FNR
	if (columns($0) > MAX_COLUMNS)
		report("shape-line", columns($0) " columns (" MAX_COLUMNS " at most)")
	line = strip($0)
}

/^#/ || continued {
	continued = $0 ~ /\\$/
	next
}

!in_function && /^\{/ && signature ~ /\)[ \t]*$/ {
	in_function = 1
	depth = deepest = 0
	name = signature
	sub(/[ \t]*\(.*/, "", name)
	sub(/^.*[ \t*]/, "", name)
	if (parameters(signature) > MAX_PARAMETERS)
		printf "%s:%d: shape-parameters: %s has %d (%d at most)\n", FILENAME, began, name,
		    parameters(signature), MAX_PARAMETERS
}

in_function {
	rest = line
	while (match(rest, /\{[^{}]*\}/))
		rest = substr(rest, 1, RSTART - 1) substr(rest, RSTART + RLENGTH)
	depth += gsub(/\{/, "{", rest)
	if (depth > deepest)
		deepest = depth
	depth -= gsub(/\}/, "}", rest)
	if ($0 ~ /^\}/) {
		if (FNR - began + 1 > MAX_FUNCTION)
			printf "%s:%d: shape-function: %s has %d lines (%d at most)\n", FILENAME, began,
			    name, FNR - began + 1, MAX_FUNCTION
		if (deepest > MAX_DEPTH)
			printf "%s:%d: shape-depth: %s is %d deep (%d at most)\n", FILENAME, began, name,
			    deepest, MAX_DEPTH
		in_function = 0
		signature = ""
	}
	next
}

# Outside of functions: collect the signature from its line in column 0 on.
line ~ /^[A-Za-z_]/ {
	signature = line
	began = FNR
	if (line ~ /[;}][ \t]*$/)
		signature = ""
	next
}

signature != "" {
	signature = signature " " line
	if (line ~ /[;}][ \t]*$/)
		signature = ""
}

END { file_end() }
