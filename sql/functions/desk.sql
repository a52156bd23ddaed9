-- What hosts and staff do at the desk and nobody else can; and what its charts show.
SET LOCAL check_function_bodies = off;

-- What a copy of an event begins with: everything but its people, from another start on.
CREATE OR REPLACE FUNCTION event_copy(e events, starts timestamp) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('title', e.title, 'description', e.description, 'location', e.location, 'url', e.url,
    'coordinates', CASE WHEN e.lat IS NOT NULL THEN jsonb_build_object('lat', e.lat, 'lng', e.lng) END,
    'start_date', starts AT TIME ZONE e.timezone,
    'end_date', (starts + (e.end_date AT TIME ZONE e.timezone - e.start_date AT TIME ZONE e.timezone)) AT TIME ZONE e.timezone,
    'timezone', e.timezone, 'privacy', e.privacy, 'category', (SELECT slug FROM categories WHERE id = e.category_id),
    'tags', e.tags, 'media', e.media, 'image_url', e.image_url, 'is_virtual', e.is_virtual, 'virtual_link', e.virtual_link,
    'price', e.price, 'currency', e.currency, 'max_attendees', e.max_attendees, 'waitlist_enabled', e.waitlist_enabled,
    'status', 'draft')
$$;

-- A draft like another event, hosted by who asks for it. Without a date: the same day of the week and
-- time of day in the first week that is still to come.
CREATE OR REPLACE FUNCTION event_duplicate(p_event uuid, p_user uuid, admin boolean, p_new uuid, p_start timestamptz, quota int)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  e events;
  no effect;
  starts timestamp;
  wait int;
BEGIN
  SELECT * INTO e FROM events WHERE id = p_event;
  no := event_refusal(e, p_user, 'edit', admin);
  IF (no).status IS NOT NULL THEN RETURN no; END IF;
  IF p_start <= now() THEN RETURN refuse_field('start_date', 'must lie in the future'); END IF;
  wait := rate_take('create', p_user::text, quota, interval '1 hour');
  IF wait > 0 THEN RAISE EXCEPTION USING ERRCODE = 'MQ429', MESSAGE = wait::text; END IF;
  starts := coalesce(p_start, e.start_date) AT TIME ZONE e.timezone;
  starts := starts + interval '7 days' * greatest(0, floor(extract(epoch FROM now() - starts AT TIME ZONE e.timezone) / 604800));
  IF starts AT TIME ZONE e.timezone <= now() THEN starts := starts + interval '7 days'; END IF;
  e := event_insert(p_new, p_user, event_copy(e, starts));
  RETURN ROW(201, NULL, event_parts_new(e), NULL, format('viewer:%s:%s', p_user, p_new))::effect;
END $$;

-- Takes people's answers back for them, in one go: seats and the waiting list as if they had done it
-- themselves, and each is told.
CREATE OR REPLACE FUNCTION rsvps_withdraw(p_event uuid, p_user uuid, admin boolean, people uuid[], reason text)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  e events;
  a effect;
  who uuid;
  n int := 0;
  keys text;
BEGIN
  PERFORM pg_advisory_xact_lock(event_lock_key(p_event));
  SELECT * INTO e FROM events WHERE id = p_event;
  a := event_refusal(e, p_user, 'edit', admin);
  IF (a).status IS NOT NULL THEN RETURN a; END IF;
  -- All at once and in the order of ids, as the door does: who has been in is taken off the door's count,
  -- which is the last that anybody may wait for.
  PERFORM FROM rsvps WHERE event_id = p_event AND user_id = ANY (people) ORDER BY user_id FOR UPDATE;
  FOR who IN SELECT user_id FROM rsvps WHERE event_id = p_event AND user_id = ANY (people)
               AND state IN ('going', 'waitlisted', 'interested', 'maybe') ORDER BY wl_seq DESC NULLS LAST, user_id LOOP
    a := rsvp_set(p_event, who, NULL, 'not_going', NULL, true);
    IF a.status >= 300 THEN RETURN a; END IF;  -- it is over or called off: so for the first as for all
    PERFORM notify_user(who, 'registration_cancelled', p_event, jsonb_build_object('reason', reason));
    PERFORM audit_put('registration.withdrawn', 'event', p_event, NULL, jsonb_build_object('user_id', who, 'reason', reason), p_user);
    keys := concat_ws(E'\n', keys, a.keys);
    n := n + 1;
  END LOOP;
  RETURN ROW(200, NULL, json_build_object('cancelled', n)::text, NULL, keys)::effect;
END $$;

-- One more seat, for one who waits: nobody who waits longer loses a place by it. Only so may somebody
-- be preferred; a seat that comes free goes to the head.
CREATE OR REPLACE FUNCTION waitlist_give(p_event uuid, p_user uuid, admin boolean, who uuid) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  e events;
  no effect;
  q event_seats;
  place bigint;
  head bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(event_lock_key(p_event));
  SELECT * INTO e FROM events WHERE id = p_event;
  no := event_refusal(e, p_user, 'edit', admin);
  IF (no).status IS NOT NULL THEN RETURN no; END IF;
  SELECT * INTO q FROM event_seats WHERE event_id = p_event;
  SELECT wl_seq INTO place FROM rsvps WHERE event_id = p_event AND user_id = who AND state = 'waitlisted';
  IF place IS NULL THEN RETURN refuse(409, 'CONFLICT', 'this person does not wait any more'); END IF;
  IF NOT rsvp_open(q) THEN RETURN refuse(409, 'EVENT_CLOSED', 'this event takes no answers'); END IF;
  IF q.raising OR e.max_attendees IS NULL OR e.max_attendees >= 100000 THEN
    RETURN refuse(409, 'CONFLICT', 'no seat can be added');
  END IF;
  PERFORM audit_put('waitlist.given', 'event', p_event, NULL, jsonb_build_object('user_id', who), p_user);
  SELECT min(wl_seq) INTO head FROM rsvps WHERE event_id = p_event AND state = 'waitlisted';
  IF place > head THEN
    UPDATE rsvps SET wl_seq = head - 1 WHERE event_id = p_event AND user_id = who;
    PERFORM waitlist_block(p_event, place, -1), waitlist_block(p_event, head - 1, 1);
  END IF;
  RETURN event_update(p_event, p_user, admin, jsonb_build_object('max_attendees', e.max_attendees + 1), NULL);
END $$;

-- A category as staff wants it. fresh: a new one; otherwise p_slug stays what it is, for it stands in
-- addresses and documents.
CREATE OR REPLACE FUNCTION category_put(p_slug text, fresh boolean, body jsonb) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  c categories;
BEGIN
  SELECT * INTO c FROM categories WHERE slug = p_slug;
  IF c.id IS NULL AND NOT fresh THEN RETURN refuse(404, 'NOT_FOUND', 'no such category'); END IF;
  IF fresh AND EXISTS (SELECT FROM categories WHERE slug = p_slug OR p_slug = ANY (aliases)) THEN
    RETURN refuse_field('slug', 'is taken');
  END IF;
  IF EXISTS (SELECT FROM categories WHERE slug <> p_slug AND lower(name) = lower(body->>'name')) THEN
    RETURN refuse_field('name', 'is taken');
  END IF;
  IF fresh THEN
    INSERT INTO categories (id, slug, name, description, icon, color)
      SELECT max(id) + 1, p_slug, body->>'name', coalesce(body->>'description', ''), coalesce(body->>'icon', p_slug), body->>'color'
      FROM categories;
  ELSE
    UPDATE categories SET name = body->>'name', description = coalesce(body->>'description', ''),
      icon = coalesce(body->>'icon', icon), color = body->>'color', is_active = (body->>'is_active')::boolean WHERE id = c.id;
  END IF;
  -- Categories have no id that others could have, too.
  PERFORM audit_put(CASE WHEN fresh THEN 'category.created' ELSE 'category.updated' END, 'category',
                    '00000000-0000-0000-0000-000000000000', CASE WHEN NOT fresh THEN to_jsonb(c) END,
                    body || jsonb_build_object('slug', p_slug));
  RETURN ROW(200, NULL, NULL, NULL, 'events:categories')::effect;
END $$;

-- A job runs at once; false: there is none of that name.
CREATE OR REPLACE FUNCTION job_due(p_name text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE jobs SET run_at = now(), failures = 0 WHERE name = p_name;
  IF NOT FOUND THEN RETURN false; END IF;
  -- Jobs have no id that others could have, too.
  PERFORM audit_put('job.run', 'job', '00000000-0000-0000-0000-000000000000', NULL, jsonb_build_object('name', p_name));
  RETURN true;
END $$;

-- What becomes of a parked message is told to the audit log.
CREATE OR REPLACE FUNCTION parked_told(what text, p_id uuid, p_pos bigint, p_type text) RETURNS void LANGUAGE sql AS $$
  SELECT audit_put('message.' || what, 'message', p_id, NULL, jsonb_build_object('pos', p_pos, 'type', p_type))
$$;

-- Registrations of the last thirty days (earlier days than yesterday change no more), coming events of
-- each category, how many of those who held a seat came in each of the last twelve months (of events
-- whose door was used), and how much there is of everything.
CREATE OR REPLACE FUNCTION job_figures(arg jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
  INSERT INTO figures
    SELECT 'day', d::date::text, (SELECT count(*) FROM rsvp_history h
      WHERE h.at >= d AT TIME ZONE 'UTC' AND h.at < (d + interval '1 day') AT TIME ZONE 'UTC'
        AND h.to_state IN ('going', 'waitlisted') AND h.from_state IS DISTINCT FROM 'waitlisted')
    FROM generate_series(today - 29, today, interval '1 day') d
    WHERE d >= today - 1 OR NOT EXISTS (SELECT FROM figures WHERE kind = 'day' AND key = d::date::text)
    ON CONFLICT (kind, key) DO UPDATE SET n = excluded.n;
  DELETE FROM figures WHERE kind IN ('category', 'total', 'came', 'no_show') OR kind = 'day' AND key < (today - 400)::text;
  INSERT INTO figures
    SELECT 'category', coalesce(c.name, ''), s.n
    FROM (SELECT category_id, count(*) AS n FROM events WHERE status = 'active' AND deleted_at IS NULL AND start_date > now() GROUP BY 1) s
    LEFT JOIN categories c ON c.id = s.category_id;
  INSERT INTO figures
    SELECT f.kind, to_char(m, 'YYYY-MM'), f.n
    FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC') - interval '11 months', now() AT TIME ZONE 'UTC', interval '1 month') m
    LEFT JOIN (SELECT date_trunc('month', e.start_date AT TIME ZONE 'UTC') AS month, sum(c.came) AS came, sum(s.going - c.came) AS missed
               FROM door_counts c JOIN events e ON e.id = c.event_id,
                 LATERAL (SELECT sum(k.going) AS going FROM seat_counters k WHERE k.pool_id = e.id) s
               WHERE c.came > 0 AND e.status = 'completed' AND e.deleted_at IS NULL AND e.start_date > now() - interval '1 year'
               GROUP BY 1) d ON d.month = m,
    LATERAL (VALUES ('came', coalesce(d.came, 0)), ('no_show', coalesce(d.missed, 0))) f(kind, n);
  INSERT INTO figures
    SELECT 'total', coalesce(status, 'events'), count(*) FROM events WHERE deleted_at IS NULL GROUP BY GROUPING SETS ((status), ())
    UNION ALL SELECT 'total', 'people', count(*) FROM users WHERE deleted_at IS NULL
    UNION ALL SELECT 'total', 'going', sum(going) FROM seat_counters;
  RETURN 0;
END $$;
INSERT INTO jobs (name, fn, every, note) VALUES
  ('figures', 'job_figures', '10 minutes', 'what the charts of the staff desk show')
ON CONFLICT (name) DO UPDATE SET fn = excluded.fn, every = excluded.every, note = excluded.note;
