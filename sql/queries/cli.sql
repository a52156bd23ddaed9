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
