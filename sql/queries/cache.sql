-- name: CACHE_NAMESPACE () one
-- What cached things of this database are prefixed with.
SELECT cache_namespace();

-- name: CACHE_EPOCH_BUMP () one writes
-- Makes everything cached so far unreachable, for all hosts; the new namespace.
SELECT cache_epoch_bump();
