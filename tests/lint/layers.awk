# tests/lint/layers.awk - a layer includes only what stands below it (use with strip.awk)

BEGIN {
	# layer: what it may include besides itself and core
	may["core"] = ""
	may["http"] = ""
	may["db"] = ""
	may["cache"] = "db"	# its namespace's epoch lives in PostgreSQL
	may["bus"] = ""
	may["auth"] = "db cache"
	may["domain"] = "db cache auth"
	may["web"] = "http auth cache domain db"
	may["api"] = "web http domain"
	may["site"] = "web http domain"
	may["admin"] = "web http domain"
	# fronts: mains over the libraries; nobody includes them. Only the notifier touches the bus.
	may["fcgi"] = "http db cache auth domain web api site admin"
	may["cli"] = "http db cache auth domain web api site admin"
	may["notifier"] = "db cache auth domain bus web"
	may["live"] = "db cache auth domain bus"
	may["grpc"] = "db cache auth domain"
	may["devbroker"] = ""
	# of these layers only single headers: what is left of HTTP must not reach past them
	only["web", "domain"] = "input.h policy.h people.h"
	only["web", "db"] = "db.h"	# a route knows what an idempotent effect is
	only["notifier", "web"] = "view.h words.h"	# mails are templates, too
}

function word_in(word, list) {
	return index(" " list " ", " " word " ") > 0
}

FNR == 1 {
	from = in_src(FILENAME)
	sub(/\/.*/, "", from)
	if (from != "" && !(from in may))
		report("layers", "the layer " from " is not in the table of tests/lint/layers.awk")
}

/^[ \t]*#[ \t]*include[ \t]*"/ && from in may {
	name = $0
	sub(/^[^"]*"/, "", name)
	sub(/".*/, "", name)
	if (name !~ /\//) {
		report("layers", "\"" name "\": includes are relative to src/")
		next
	}
	to = name
	sub(/\/.*/, "", to)
	header = name
	sub(/^[^\/]*\//, "", header)
	if (to == from || to == "core")
		next
	if (!word_in(to, may[from]))
		report("layers", from " may not include " name)
	else if ((from, to) in only && !word_in(header, only[from, to]))
		report("layers", from " may include of " to " only: " only[from, to])
}
