-- name: FEED_OPEN (user uuid, hash text) none
-- The token of one's own calendar; an older one is void.
INSERT INTO user_feeds (user_id, hash) VALUES (:user, :hash)
ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, created_at = now();

-- name: FEED_CLOSE (user uuid) none
-- One's own calendar has no token any more.
DELETE FROM user_feeds WHERE user_id = :user;

-- name: FEED_OWNER (hash text) optional
-- Whose calendar a token opens.
SELECT u.id FROM user_feeds f JOIN users u ON u.id = f.user_id
WHERE f.hash = :hash AND u.is_active AND u.deleted_at IS NULL;

-- name: SITEMAP_FILES () many
-- The first event of each file of the sitemap: of 10,000 public events that are to come.
WITH RECURSIVE f AS (
  (SELECT e.start_date, e.id FROM events e
   WHERE e.privacy = 'public' AND e.status = 'active' AND e.deleted_at IS NULL AND e.ends_at > now()
   ORDER BY e.start_date, e.id LIMIT 1)
  UNION ALL
  SELECT n.start_date, n.id FROM f CROSS JOIN LATERAL (
    SELECT e.start_date, e.id FROM events e
    WHERE e.privacy = 'public' AND e.status = 'active' AND e.deleted_at IS NULL AND e.ends_at > now()
      AND (e.start_date, e.id) > (f.start_date, f.id)
    ORDER BY e.start_date, e.id OFFSET 9999 LIMIT 1) n)
SELECT f.id FROM f;

-- name: SITEMAP_FILE (first uuid) many
-- The file that begins with that event.
SELECT n.slug, iso(n.updated_at)
FROM events f CROSS JOIN LATERAL (
  SELECT e.slug, e.updated_at FROM events e
  WHERE e.privacy = 'public' AND e.status = 'active' AND e.deleted_at IS NULL AND e.ends_at > now()
    AND (e.start_date, e.id) >= (f.start_date, f.id)
  ORDER BY e.start_date, e.id LIMIT 10000) n
WHERE f.id = :first AND f.privacy = 'public' AND f.status = 'active' AND f.deleted_at IS NULL;
