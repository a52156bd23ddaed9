# tests/service/isolation.awk - of what isolationtester writes one line for each permutation: what every
# session was told in the end, seats and everybody's state, and what does not hold
function flush(  line, i) {
	for (i = 1; i <= 3; i++)
		if (told[substr("abc", i, 1)]) line = line substr("abc", i, 1) ": " told[substr("abc", i, 1)] "; "
	if (outcome) print line outcome
	split("", told)
	outcome = ""
}
/^starting permutation: / { flush() }
/^step [abc]/ { session = substr($2, 1, 1) }
/^ERROR: / { told[session] = /lock timeout/ ? "gave up" : $0 }
/^ *(a|b|c|outcome) *$/ { column = $1; row = 0; next }
column && /^\([0-9]+ rows?\)/ { column = "" }
column && row++ {
	gsub(/^ +| +$/, "")
	if (column == "outcome") outcome = outcome (outcome ? ", " : "") $0
	else if ($0) told[column] = $0
}
END { flush() }
