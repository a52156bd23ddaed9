-- name: EVENT_DUPLICATE (id uuid, user uuid, admin bool, new uuid, start timestamptz, quota int4) effect audited
-- A draft like another event.
SELECT f.* FROM event_duplicate(:id, :user, :admin, :new, :start, :quota) f;

-- name: RSVPS_WITHDRAW (event uuid, user uuid, admin bool, people uuid[], reason text) effect audited
-- Takes people's answers back for them.
SELECT f.* FROM rsvps_withdraw(:event, :user, :admin, :people, :reason) f;

-- name: WAITLIST_GIVE (event uuid, user uuid, admin bool, who uuid) effect audited
-- One more seat, for one who waits.
SELECT f.* FROM waitlist_give(:event, :user, :admin, :who) f;

-- name: CATEGORY_PUT (slug text, fresh bool, body jsonb) effect audited
-- Adds a category, or changes one.
SELECT f.* FROM category_put(:slug, :fresh, :body) f;

-- name: FIGURES () one
-- What the charts show, as JSON.
SELECT coalesce(json_agg(row_to_json(f) ORDER BY f.kind, f.key), '[]')::text FROM (
  SELECT kind, key, n FROM figures WHERE kind <> 'day' OR key > ((now() AT TIME ZONE 'UTC')::date - 30)::text) f;

-- name: EVENTS_TOP (most int4) one
-- The most popular of the coming events, as JSON.
SELECT coalesce(json_agg(row_to_json(t)), '[]')::text FROM (
  SELECT e.id, e.title, e.max_attendees, (SELECT sum(k.going) FROM seat_counters k WHERE k.pool_id = e.id) AS going
  FROM unnest(ARRAY(SELECT event_id FROM event_scores ORDER BY score DESC, event_id DESC LIMIT :most)) WITH ORDINALITY s(id, n)
  JOIN events e ON e.id = s.id WHERE e.deleted_at IS NULL ORDER BY s.n) t;
