-- name: USERS_LIST (most int4) many
-- The newest accounts.
SELECT id, email, name, role, is_active, created_at FROM users WHERE deleted_at IS NULL
ORDER BY created_at DESC, id DESC LIMIT :most;

-- name: ADMIN_FIRST () optional
-- Who owns what an import brings in, unless it says so.
SELECT id, email FROM users WHERE role = 'admin' AND is_active AND deleted_at IS NULL ORDER BY created_at, id LIMIT 1;

-- name: SERVER_FACTS () one
-- Version number and clock of the server, and the extensions that are missing.
SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp()),
       (SELECT string_agg(x, ', ') FROM unnest('{postgis,pg_trgm,unaccent,citext}'::text[]) x
        WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = x));

-- name: JOBS_FAILING () many
-- Jobs whose last step failed.
SELECT name, failures, last_error FROM jobs WHERE failures > 0 ORDER BY name;

-- name: PARKED_LIST () many
-- Parked messages, in the order of their keys.
SELECT pos, key, seq, type, octet_length(payload), tries, iso(replay_at), reason FROM outbox_parked ORDER BY key, pos;

-- name: PARKED_REPLAY (positions text) many audited
-- The keys of these messages are sent after all, whole and once: what is refused waits again.
WITH m AS (UPDATE outbox_parked SET replay_at = now(), tries = 1000
           WHERE key IN (SELECT key FROM outbox_parked WHERE pos = ANY (:positions::bigint[])) RETURNING pos, key, type, id)
SELECT pos, key, type, parked_told('replayed', id, pos, type) FROM m;

-- name: PARKED_REPLAY_ALL () many audited
-- The same for all keys.
WITH m AS (UPDATE outbox_parked SET replay_at = now(), tries = 1000 RETURNING pos, key, type, id)
SELECT pos, key, type, parked_told('replayed', id, pos, type) FROM m;

-- name: PARKED_DROP (positions text) many audited
-- These messages are given up.
WITH m AS (DELETE FROM outbox_parked WHERE pos = ANY (:positions::bigint[]) RETURNING pos, key, type, id)
SELECT pos, key, type, parked_told('dropped', id, pos, type) FROM m;

-- name: RESTORE_REFUSAL () one
-- Workers and notifiers that are connected, and tables that are there.
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND usename IN ('marquee_web', 'marquee_notifier')),
       (SELECT count(*) FROM pg_tables WHERE schemaname = 'marquee');

-- name: RESTORED () one writes
-- Cursors, partitions, epoch and statistics of a database just restored; what is in it.
SELECT people, things, registrations, waiting, epoch FROM restored();

-- name: SESSION_SETTINGS () one
-- What this session has got of what it asked for: time-outs in milliseconds, time zone.
SELECT (SELECT setting FROM pg_settings WHERE name = 'statement_timeout'),
       (SELECT setting FROM pg_settings WHERE name = 'lock_timeout'), current_setting('TimeZone');

-- name: SERVER_IDENTITY () one
-- Which cluster this is, whether it only follows another, and for how long it has heard no commit.
SELECT (SELECT system_identifier FROM pg_control_system()), pg_is_in_recovery(),
       coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8;

-- name: WORKER_HOSTS () one
-- Hosts from which workers connect, as far as this role may see them.
SELECT count(DISTINCT coalesce(host(client_addr), 'this one')) FROM pg_stat_activity
WHERE application_name = 'marquee.fcgi';
