-- What must always hold, as far as SQL can see; empty is good. Runs after every test.
SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION check_invariants() RETURNS TABLE (invariant text, event_id uuid, detail text) LANGUAGE sql STABLE AS $$
  WITH counted AS (
    SELECT r.event_id, count(*) FILTER (WHERE r.state = 'going') going,
           count(*) FILTER (WHERE r.state = 'waitlisted') waiting,
           count(*) FILTER (WHERE r.state = 'interested') interested,
           count(*) FILTER (WHERE r.state = 'maybe') maybe, count(r.checked_in_at) came
    FROM rsvps r GROUP BY r.event_id),
  slots AS (
    SELECT k.pool_id, sum(k.going) going, sum(k.interested) interested, sum(k.maybe) maybe,
           sum(k.waitlisted) waitlisted, sum(k.remaining::bigint) free, count(*) n
    FROM seat_counters k GROUP BY k.pool_id),
  blocks AS (SELECT b.event_id, sum(b.n) n FROM waitlist_blocks b GROUP BY b.event_id),
  s AS (
    SELECT q.*, e.max_attendees, e.status, e.deleted_at, e.version, e.ends_at,
           coalesce(c.going, 0) r_going, coalesce(c.waiting, 0) r_waiting, coalesce(c.interested, 0) r_interested,
           coalesce(c.maybe, 0) r_maybe, k.going, k.interested, k.maybe, k.waitlisted, k.free, k.n slots, coalesce(b.n, 0) blocks
    FROM event_seats q JOIN events e ON e.id = q.event_id LEFT JOIN counted c ON c.event_id = q.event_id
    LEFT JOIN slots k ON k.pool_id = q.event_id LEFT JOIN blocks b ON b.event_id = q.event_id)
  SELECT 'I1 going over capacity', s.event_id, format('%s of %s', s.going, s.capacity) FROM s WHERE s.going > s.capacity
  UNION ALL
  SELECT 'I1 counters drifted', s.event_id,
         format('going %s/%s interested %s/%s maybe %s/%s waiting %s/%s/%s blocks %s', s.going, s.r_going, s.interested,
                s.r_interested, s.maybe, s.r_maybe, s.waiting, s.waitlisted, s.r_waiting, s.blocks)
  FROM s WHERE (s.going, s.interested, s.maybe, s.waiting, s.waitlisted, s.blocks, s.slots) IS DISTINCT FROM
               (s.r_going, s.r_interested, s.r_maybe, s.r_waiting, s.r_waiting, s.r_waiting, s.n)
  UNION ALL
  SELECT 'I1 free seats drifted', s.event_id, format('%s free, %s going, capacity %s', s.free, s.going, s.capacity)
  FROM s WHERE s.capacity IS NOT NULL AND s.free + s.going <> s.capacity
  UNION ALL
  SELECT 'I1 capacity drifted', s.event_id, format('%s, event says %s', s.capacity, s.max_attendees)
  FROM s WHERE NOT s.raising AND s.capacity IS DISTINCT FROM s.max_attendees
  UNION ALL
  SELECT 'I2 history differs', r.event_id, format('user %s at %s, history %s', r.user_id, r.seq, h.n)
  FROM rsvps r CROSS JOIN LATERAL (SELECT count(*) n, max(h.seq) last,
      max(h.to_state) FILTER (WHERE h.seq = r.seq) state
    FROM rsvp_history h WHERE h.event_id = r.event_id AND h.user_id = r.user_id) h
  WHERE (h.n, h.last, h.state) IS DISTINCT FROM (r.seq::bigint, r.seq, r.state)
  UNION ALL
  SELECT 'I2 place without waiting, or the reverse', r.event_id, format('user %s is %s at %s', r.user_id, r.state, r.wl_seq)
  FROM rsvps r WHERE (r.state = 'waitlisted') <> (r.wl_seq IS NOT NULL)
  UNION ALL
  SELECT 'I3 change without its message', h.event_id, format('user %s seq %s to %s', h.user_id, h.seq, h.to_state)
  FROM rsvp_history h JOIN rsvps r USING (event_id, user_id)
  WHERE NOT h.seeded AND h.at > now() - interval '1 day' AND NOT EXISTS
    (SELECT FROM outbox o WHERE o.aggregate_type = 'registration' AND o.aggregate_id = r.id AND o.seq = h.seq
       AND o.created_at = h.at)
  UNION ALL
  SELECT 'I3 message without its change', o.aggregate_id, format('%s seq %s', o.type, o.seq)
  FROM outbox o WHERE o.aggregate_type = 'registration' AND o.created_at > now() - interval '1 day' AND NOT EXISTS
    (SELECT FROM rsvps r JOIN rsvp_history h USING (event_id, user_id)
      WHERE r.event_id = o.key::uuid AND r.id = o.aggregate_id AND h.seq = o.seq)
  UNION ALL
  SELECT 'I4 gap in the messages of an event', e.id, format('version %s, %s messages', e.version, coalesce(o.n, 0))
  FROM events e LEFT JOIN (SELECT aggregate_id, count(DISTINCT seq) n FROM outbox WHERE aggregate_type = 'event'
                           GROUP BY aggregate_id) o ON o.aggregate_id = e.id
  WHERE NOT e.seeded AND e.created_at > now() - interval '1 day' AND o.n IS DISTINCT FROM e.version
  UNION ALL
  SELECT 'I6 waiting beside a free seat', s.event_id, format('%s wait, %s free', s.waiting, s.free)
  FROM s WHERE s.open AND s.closes_at > now() AND s.waiting > 0 AND s.free > 0
  UNION ALL
  SELECT 'door count drifted', e.id, format('%s came, counted %s', coalesce(c.came, 0), coalesce(n.came, 0))
  FROM events e LEFT JOIN counted c ON c.event_id = e.id LEFT JOIN door_counts n ON n.event_id = e.id
  WHERE coalesce(c.came, 0) <> coalesce(n.came, 0)
  UNION ALL
  SELECT 'checked in without a seat, or without its scan', r.event_id, format('user %s is %s since %s', r.user_id, r.state, r.checked_in_at)
  FROM rsvps r WHERE r.checked_in_at IS NOT NULL AND (r.state <> 'going' OR r.no_show OR NOT r.seeded AND NOT EXISTS
    (SELECT FROM checkins k WHERE k.user_id = r.user_id AND k.event_id = r.event_id AND k.reason = 'ok' AND k.at = r.checked_in_at))
  UNION ALL
  SELECT 'document missing or old', e.id, format('event %s, document %s', e.version, d.version)
  FROM events e LEFT JOIN event_docs d ON d.event_id = e.id
  WHERE (e.deleted_at IS NULL) <> (d.event_id IS NOT NULL) OR d.version <> e.version
  UNION ALL
  SELECT 'seats say open, the event does not', s.event_id, s.status
  FROM s WHERE s.open <> (s.status = 'active' AND s.deleted_at IS NULL)
  UNION ALL
  SELECT 'I12 idle in transaction', NULL, format('pid %s since %s', a.pid, a.state_change)
  FROM pg_stat_activity a WHERE a.datname = current_database() AND a.state LIKE 'idle in transaction%'
    AND a.state_change < now() - interval '1 second' AND a.pid <> pg_backend_pid()
$$;

-- Stored documents that differ from what event_doc makes of the row today (a test calls it).
CREATE OR REPLACE FUNCTION check_docs() RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
  SELECT d.event_id FROM event_docs d JOIN events e ON e.id = d.event_id
  WHERE d.doc <> event_doc(e) OR d.meta <> event_meta(e) OR d.version <> e.version
$$;
