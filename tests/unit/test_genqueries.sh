#!/bin/sh
# tests/unit/test_genqueries.sh - what the query generator makes and what it refuses
src=${T_SRCDIR:-$(dirname "$0")/../..}
. "$src/tests/unit/verdict.sh"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

gen() { # mode, then the text on stdin
	cat >"$tmp/q.sql"
	${AWK:-awk} -v mode="$1" -f "$src/src/db/genqueries.awk" "$tmp/q.sql" >"$tmp/out" 2>"$tmp/err"
}

has() { # name, fixed text that the output has once its lines are joined
	sed -e 's/"$//' -e 's/^	*"//' "$tmp/out" | tr -d '\n' | grep -qF -- "$2"
	verdict "$1" $? "$(cat "$tmp/out" "$tmp/err")"
}

refuses() { # name, part of the message; the text on stdin
	if gen c; then
		verdict "$1" 1
		return
	fi
	grep -qF -- "$2" "$tmp/err" && ! [ -s "$tmp/out" ]
	verdict "$1" $? "$(cat "$tmp/out" "$tmp/err")"
}

gen c <<'X'
-- A comment before the first one.

-- name: EVENTS_GET (id uuid, viewer uuid) optional
-- It's one event; :id stands for nothing here.
SELECT doc::text, 'it''s :id; ok', "a:id", $x$ :id ; $x$, '\' /* :none */
FROM   event_docs -- :none
WHERE  id = :id AND (:viewer::uuid IS NULL OR t[1:2] ?| '{a}') AND again = :id;
X
verdict accepts_a_statement $? "$(cat "$tmp/out" "$tmp/err")"
has replaces_names_in_order 'id = $1 AND ($2::uuid IS NULL OR t[1:2] \?| '"'{a}') AND again = "
has repeats_a_name 'again = $1'
has leaves_quotes_alone "'it''s :id; ok', \\\"a:id\\\", \$x\$ :id ; \$x\$, '\\\\' FROM event_docs "
has knows_types 'types_0[] = { 2950, 2950 };'
has counts_parameters '.arity = 2,'
has notes_the_line '.line = 3,'
has reading_is_no_write '.writes = false'

gen h <<'X'
-- name: A () none
DELETE FROM a;
-- name: B () one
SELECT 1;
X
has lists_the_enum 'Q_A,	Q_B,	Q_COUNT'

gen c <<'X'
-- name: A (id uuid,
--   words text[], at timestamptz) many
WITH x AS (UPDATE a SET at = :at WHERE id = :id AND w = :words RETURNING id) SELECT id FROM x;
-- name: B (mail citext) one writes
SELECT f(:mail);
X
has takes_a_header_over_two_lines 'types_0[] = { 2950, 1009, 1184 };'
has finds_writes_inside '.writes = true,'
has leaves_citext_to_the_server 'types_1[] = { 0 };'

gen c <<'X'
-- name: GO (event uuid, person uuid) effect
SELECT f.* FROM rsvp_go(:event, :person, again => true) f;
X
has effect_plain '.text = "SELECT f.* FROM rsvp_go($1, $2, again => true) f",'
has effect_key_parameters 'actor = $3 AND key = $4'
has effect_runs_only_once 'f.* FROM rsvp_go($1, $2, again => true) f) e WHERE NOT EXISTS (SELECT FROM prior)'
has effect_adds_types '{ 2950, 2950, 2950, 25, 25 };'

refuses unknown_name 'uses :b, which' <<'X'
-- name: A (a uuid) one
SELECT :a, :b;
X
refuses unused_name 'parameter b of A is not used' <<'X'
-- name: A (a uuid, b text) one
SELECT :a;
X
refuses name_twice 'name A twice' <<'X'
-- name: A () one
SELECT 1;
-- name: A () one
SELECT 2;
X
refuses parameter_twice 'parameter a twice' <<'X'
-- name: A (a uuid, a text) one
SELECT :a;
X
refuses second_statement 'a second statement in A' <<'X'
-- name: A () one
SELECT 1; SELECT 2;
X
refuses unknown_type 'unknown type varchar' <<'X'
-- name: A (a varchar) one
SELECT :a;
X
refuses unknown_kind 'kind must be' <<'X'
-- name: A () several
SELECT 1;
X
refuses positional 'write :name' <<'X'
-- name: A (a uuid) one
SELECT :a, $1;
X
refuses no_semicolon 'no semicolon after A' <<'X'
-- name: A () one
SELECT 1
X
refuses open_quote 'no end of quote' <<'X'
-- name: A () one
SELECT 'x;
X
refuses text_outside 'text outside of a statement' <<'X'
SELECT 1;
X
refuses no_statement 'no statement for A' <<'X'
-- name: A () one
-- name: B () one
SELECT 1;
X
refuses effect_of_another_form 'an effect reads' <<'X'
-- name: A (a uuid) effect
SELECT 200, g(:a);
X
refuses nothing_at_all 'no statements' <<'X'
-- only a comment
X

verdicts test_genqueries
