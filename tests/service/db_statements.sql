-- tests/service/db_statements.sql - statements of test_db, in a schema of its own

-- name: ADD (a int4, b int4) one
SELECT :a::int4 + :b::int4 AS sum;

-- name: FIND (id int4) optional
SELECT word FROM marquee_test_db.words WHERE id = :id;

-- name: NEED (id int4) one
SELECT word FROM marquee_test_db.words WHERE id = :id;

-- name: ALL_WORDS () many
SELECT id, word FROM marquee_test_db.words ORDER BY id;

-- name: STARRED () many
SELECT * FROM marquee_test_db.words ORDER BY id;

-- name: TOO_MANY () optional
SELECT id FROM marquee_test_db.words;

-- name: PUT_WORD (id int4, word text) none
INSERT INTO marquee_test_db.words (id, word) VALUES (:id, :word);

-- name: SLEEP (seconds float8) one
SELECT pg_sleep(:seconds)::text;

-- name: SLEEP_AND_WRITE (seconds float8) one writes
SELECT pg_sleep(:seconds)::text;

-- name: RAISE (state text, message text) one
SELECT marquee_test_db.raise(:state, :message);

-- name: DO_IT (status int4, code text, body text, details text) effect
SELECT f.* FROM marquee_test_db.do_it(:status, :code, :body, :details) f;
