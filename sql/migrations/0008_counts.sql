-- All that is counted of an event stands in its slots: a reader needs one table beside the document.
-- Like the rest, who waits may be counted up in one slot and down in another; views and shares are slot 0's.
ALTER TABLE seat_counters ADD COLUMN waitlisted int NOT NULL DEFAULT 0, ADD COLUMN views bigint NOT NULL DEFAULT 0,
  ADD COLUMN shares bigint NOT NULL DEFAULT 0;
UPDATE seat_counters k SET waitlisted = s.waiting FROM event_seats s WHERE s.event_id = k.pool_id AND k.slot = 0;
UPDATE seat_counters k SET views = c.views, shares = c.shares FROM event_counters c WHERE c.event_id = k.pool_id AND k.slot = 0;
DROP TABLE event_counters;

-- Answers kept for a repeat have counts as text now: of an event in the place of two lines, of a
-- registration behind its status and document, where none need stand.
UPDATE idempotency_keys k SET body = concat_ws(E'\n', l[1], l[2], format('{%s/%s/%s/%s/%s/%s/%s/%s}', l[3], s->>'going',
    s->>'interested', s->>'maybe', s->>'waitlist', s->>'views', s->>'shares', coalesce(s->>'available', '1000000000')), l[5], l[6], l[7])
  FROM (SELECT actor, key, l, ('{' || l[4] || '}')::json->'stats' AS s
        FROM (SELECT actor, key, string_to_array(body, E'\n') AS l FROM idempotency_keys) x WHERE cardinality(l) = 7) o
  WHERE (k.actor, k.key) = (o.actor, o.key);
UPDATE idempotency_keys SET body = concat_ws(E'\n', body::json->>'status', body, '') WHERE body LIKE '{"registration_id":%';
