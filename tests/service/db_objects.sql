-- tests/service/db_objects.sql - what the statements of test_db work on; made anew by each run
CREATE SCHEMA IF NOT EXISTS marquee;
CREATE TABLE IF NOT EXISTS marquee.idempotency_keys (
  actor uuid NOT NULL, key text NOT NULL, fingerprint text NOT NULL, status int NOT NULL,
  code text, body text, details text, keys text,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (actor, key));
DELETE FROM marquee.idempotency_keys WHERE actor = '00000000-0000-7000-8000-0000000000db';

DROP SCHEMA IF EXISTS marquee_test_db CASCADE;
CREATE SCHEMA marquee_test_db;
CREATE TABLE marquee_test_db.words (
  id int PRIMARY KEY, word text NOT NULL CHECK (word <> 'forbidden'));
INSERT INTO marquee_test_db.words VALUES (1, 'one'), (2, 'two');
CREATE TABLE marquee_test_db.done (at timestamptz NOT NULL DEFAULT now());

CREATE FUNCTION marquee_test_db.raise(state text, message text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message; END $$;

CREATE TYPE marquee_test_db.answer AS (status int, code text, body text, details text, keys text);
CREATE FUNCTION marquee_test_db.do_it(status int, code text, body text, details text)
RETURNS marquee_test_db.answer LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO marquee_test_db.done DEFAULT VALUES;
  RETURN (status, code, body, details, E'event:a\nevent:b'::text);
END $$;
