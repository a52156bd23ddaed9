-- name: CACHE_NAMESPACE () one
-- What cached things of this database are prefixed with; lines of slot and epoch for servers of a
-- ring that were not to be believed once.
SELECT cache_namespace(), (SELECT string_agg(split_part(key, '/', 2) || ' ' || value, E'\n')
                           FROM settings WHERE key LIKE 'cache\_epoch/%');

-- name: CACHE_EPOCH_BUMP (slot int4) none
-- Makes everything cached so far on one server (0: on all) unreachable, for all hosts.
SELECT cache_epoch_bump(:slot::int);
