-- Events: the stored document, who relates to them how, and everything that changes them.
SET LOCAL check_function_bodies = off;

-- Raised by one whenever event_doc changes its shape: a job then rebuilds what is stored.
CREATE OR REPLACE FUNCTION event_doc_shape() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;

-- The short view of somebody. row_to_json writes no spaces; json_build_object would.
CREATE OR REPLACE FUNCTION user_short(u users) RETURNS json LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r) FROM (SELECT u.id, u.name, u.username, u.avatar) r
$$;

-- The core document of an event; the only place that knows its shape.
CREATE OR REPLACE FUNCTION event_doc(e events) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT row_to_json(r)::text FROM (SELECT
    e.id, e.slug, e.title, e.description, e.location, e.url,
    CASE WHEN e.lat IS NOT NULL THEN (SELECT row_to_json(c) FROM (SELECT e.lat, e.lng) c) END AS coordinates,
    iso(e.start_date) AS start_date, iso(e.end_date) AS end_date, e.timezone, e.privacy,
    (SELECT c.slug FROM categories c WHERE c.id = e.category_id) AS category,
    e.tags, e.media, e.image_url, e.is_virtual, e.price, e.currency, e.max_attendees, e.waitlist_enabled,
    e.status, e.cancel_reason, e.host_id,
    (SELECT row_to_json(s) FROM (SELECT u.id, u.name, u.username, u.avatar FROM users u WHERE u.id = e.host_id) s) AS host,
    coalesce((SELECT json_agg(user_short(u) ORDER BY h.added_at, u.id)
              FROM event_hosts h JOIN users u ON u.id = h.user_id WHERE h.event_id = e.id), '[]') AS co_hosts,
    e.version, iso(e.created_at) AS created_at, iso(e.updated_at) AS updated_at) r);
END $$;
CREATE OR REPLACE FUNCTION event_meta(e events) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws(' ', e.version, e.privacy, e.status, e.host_id,
                   CASE WHEN e.virtual_link IS NULL THEN '-' ELSE 'l' END, e.slug)
$$;
CREATE OR REPLACE FUNCTION event_doc_write(p_event uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  e events;
BEGIN
  SELECT * INTO e FROM events WHERE id = p_event;
  INSERT INTO event_docs AS d (event_id, version, shape, meta, doc)
    VALUES (e.id, e.version, event_doc_shape(), event_meta(e), event_doc(e))
  ON CONFLICT (event_id) DO UPDATE
    SET version = excluded.version, shape = excluded.shape, meta = excluded.meta, doc = excluded.doc;
END $$;

CREATE OR REPLACE FUNCTION are_friends(a uuid, b uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM friendships WHERE user_a = least(a, b) AND user_b = greatest(a, b) AND status = 'accepted')
$$;

-- How a person stands to an event, the strongest word that fits:
-- host, cohost, attending, invited, friend, none.
CREATE OR REPLACE FUNCTION event_relation(p_event uuid, p_user uuid, p_host uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE WHEN p_user IS NULL THEN 'none'
    WHEN p_user = p_host THEN 'host'
    WHEN EXISTS (SELECT FROM event_hosts WHERE event_id = p_event AND user_id = p_user) THEN 'cohost'
    WHEN EXISTS (SELECT FROM rsvps WHERE event_id = p_event AND user_id = p_user
                   AND state IN ('going', 'held', 'waitlisted', 'interested', 'maybe')) THEN 'attending'
    WHEN EXISTS (SELECT FROM invitations WHERE event_id = p_event AND invitee_id = p_user) THEN 'invited'
    WHEN are_friends(p_user, p_host) THEN 'friend' ELSE 'none' END;
END $$;

-- The rule of visibility, for SQL; src/domain/policy.c holds the same table for C.
CREATE OR REPLACE FUNCTION relation_sees(privacy text, relation text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE privacy WHEN 'public' THEN true WHEN 'friends_only' THEN relation <> 'none'
              ELSE relation IN ('host', 'cohost', 'attending', 'invited') END
$$;
CREATE OR REPLACE FUNCTION is_admin(p_user uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM users WHERE id = p_user AND role = 'admin' AND is_active)
$$;
CREATE OR REPLACE FUNCTION event_visible(p_event uuid, p_user uuid, p_privacy text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_privacy = 'public' THEN RETURN true; END IF;
  RETURN is_admin(p_user) OR relation_sees(p_privacy,
    event_relation(p_event, p_user, (SELECT host_id FROM events WHERE id = p_event)));
END $$;

CREATE OR REPLACE FUNCTION event_viewer(p_event uuid, p_user uuid, p_host uuid, OUT meta text, OUT members text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r rsvps;
  friends json;
BEGIN
  SELECT * INTO r FROM rsvps v WHERE v.event_id = p_event AND v.user_id = p_user;
  SELECT json_agg(user_short(u)) INTO friends FROM (
    SELECT f AS u FROM friendships fs
      JOIN users f ON f.id = CASE WHEN fs.user_a = p_user THEN fs.user_b ELSE fs.user_a END
      JOIN rsvps v ON v.event_id = p_event AND v.user_id = f.id AND v.state = 'going'
    WHERE p_user IN (fs.user_a, fs.user_b) AND fs.status = 'accepted' ORDER BY f.name, f.id LIMIT 10) s;
  meta := concat_ws(' ', event_relation(p_event, p_user, p_host),
    coalesce((SELECT array_to_string(h.permissions, ',') FROM event_hosts h
              WHERE h.event_id = p_event AND h.user_id = p_user), '-'), coalesce(r.state, '-'));
  members := '"my_rsvp":' || CASE WHEN r.id IS NULL THEN 'null' ELSE
      format('{"registration_id":"%s","status":"%s","state":%s,"registered_at":"%s"}', r.id, rsvp_status(r.state),
             coalesce('"' || rsvp_state(r) || '"', 'null'), iso(r.registered_at)) END
    || ',"friends_going":' || coalesce(friends, '[]');
END $$;

-- What one slot has counted, for src/domain/counts.c, which adds slots up.
CREATE OR REPLACE FUNCTION slot_counts(k seat_counters) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws('/', k.seq, k.going, k.interested, k.maybe, k.waitlisted, k.views, k.shares, k.remaining)
$$;
-- The texts that any answer about an event is spliced from: facts, document, counts of each slot.
CREATE OR REPLACE VIEW event_texts AS
  SELECT d.event_id, d.meta, d.doc,
         ARRAY(SELECT slot_counts(k) FROM seat_counters k WHERE k.pool_id = d.event_id)::text AS counts
  FROM event_docs d;

-- What depends on who reads, a part a line: meta, members, virtual link.
CREATE OR REPLACE FUNCTION event_viewer_lines(p_event uuid, p_user uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT concat_ws(E'\n', v.meta, v.members, coalesce(to_json(e.virtual_link)::text, 'null'))
          FROM events e CROSS JOIN LATERAL event_viewer(e.id, p_user, e.host_id) v WHERE e.id = p_event);
END $$;

-- Everything an answer about one event is spliced from, one part a line (JSON has no raw newline):
-- core meta, core document, counts, then the lines of the viewer.
CREATE OR REPLACE FUNCTION event_parts(p_event uuid, p_user uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT concat_ws(E'\n', t.meta, t.doc, t.counts, event_viewer_lines(p_event, p_user))
          FROM event_texts t WHERE t.event_id = p_event);
END $$;

-- Category by slug, name or alias; case and accents ignored. NULL when there is none.
CREATE OR REPLACE FUNCTION category_id(word text) RETURNS smallint LANGUAGE plpgsql STABLE AS $$
DECLARE
  w text := lower(public.unaccent(trim(word)));
BEGIN
  RETURN (SELECT c.id FROM categories c WHERE c.is_active AND (c.slug = w OR lower(c.name) = w OR w = ANY (c.aliases)) LIMIT 1);
END $$;
CREATE OR REPLACE FUNCTION category_choices() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT 'is unknown; choose one of ' || string_agg(slug, ', ' ORDER BY id) FROM categories WHERE is_active
$$;

CREATE OR REPLACE FUNCTION text_array(j jsonb) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF jsonb_typeof(j) IS DISTINCT FROM 'array' THEN RETURN '{}'; END IF;
  RETURN ARRAY(SELECT jsonb_array_elements_text(j));
END $$;

-- e with the members of patch laid over it; null takes a member back to its default.
CREATE OR REPLACE FUNCTION event_patched(e events, patch jsonb) RETURNS events LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF patch ? 'title' THEN e.title := patch->>'title'; END IF;
  IF patch ? 'description' THEN e.description := patch->>'description'; END IF;
  IF patch ? 'location' THEN
    e.location := patch->>'location';
    e.location_words := words(e.location);
  END IF;
  IF patch ? 'url' THEN e.url := patch->>'url'; END IF;
  IF patch ? 'coordinates' THEN
    e.lat := (patch->'coordinates'->>'lat')::float8;
    e.lng := (patch->'coordinates'->>'lng')::float8;
  END IF;
  IF patch ? 'start_date' THEN e.start_date := (patch->>'start_date')::timestamptz; END IF;
  IF patch ? 'end_date' THEN e.end_date := (patch->>'end_date')::timestamptz; END IF;
  IF patch ? 'timezone' THEN e.timezone := coalesce(patch->>'timezone', 'UTC'); END IF;
  IF patch ? 'privacy' THEN e.privacy := coalesce(patch->>'privacy', 'public'); END IF;
  IF patch ? 'category' THEN e.category_id := category_id(patch->>'category'); END IF;
  IF patch ? 'tags' THEN e.tags := text_array(patch->'tags'); END IF;
  IF patch ? 'media' THEN e.media := text_array(patch->'media'); END IF;
  IF patch ? 'image_url' THEN e.image_url := patch->>'image_url'; END IF;
  IF patch ? 'is_virtual' THEN e.is_virtual := coalesce((patch->>'is_virtual')::boolean, false); END IF;
  IF patch ? 'virtual_link' THEN e.virtual_link := patch->>'virtual_link'; END IF;
  IF patch ? 'price' THEN e.price := coalesce((patch->>'price')::numeric, 0); END IF;
  IF patch ? 'currency' THEN e.currency := coalesce(patch->>'currency', 'USD'); END IF;
  IF patch ? 'max_attendees' THEN e.max_attendees := (patch->>'max_attendees')::int; END IF;
  IF patch ? 'waitlist_enabled' THEN e.waitlist_enabled := coalesce((patch->>'waitlist_enabled')::boolean, true); END IF;
  IF patch->>'status' IS NOT NULL THEN e.status := patch->>'status'; END IF;
  e.ends_at := coalesce(e.end_date, e.start_date + interval '24 hours');
  RETURN e;
END $$;

CREATE OR REPLACE FUNCTION event_message(e events, p_type text, extra jsonb DEFAULT '{}', p_keys text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM outbox_put('events', p_type, 'event', e.id, e.version, e.id,
    (jsonb_build_object('event_type', p_type, 'event_id', e.id) || extra
     || jsonb_build_object('timestamp', iso(now())))::text, p_keys);
END $$;
CREATE OR REPLACE FUNCTION event_keys(p_event uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT format(E'event:%s\nevent:%s:stats', p_event, p_event)
$$;

-- Writes a new event whole: row, seats, document, message. The checks are the caller's.
CREATE OR REPLACE FUNCTION event_insert(p_id uuid, p_host uuid, body jsonb, p_import text DEFAULT NULL)
RETURNS events LANGUAGE plpgsql AS $$
DECLARE
  e events;
BEGIN
  e.id := p_id; e.host_id := p_host; e.import_key := p_import;
  e.version := 1; e.created_at := now(); e.updated_at := now(); e.seeded := false;
  e.timezone := 'UTC'; e.privacy := 'public'; e.tags := '{}'; e.media := '{}'; e.is_virtual := false;
  e.price := 0; e.currency := 'USD'; e.waitlist_enabled := true; e.status := 'active'; e.location_words := '{}';
  e := event_patched(e, body);
  e.slug := slug(e.title, e.id);
  INSERT INTO events SELECT e.*;
  INSERT INTO event_seats (event_id, capacity, open, closes_at, waitlist, privacy)
    VALUES (e.id, e.max_attendees, e.status = 'active', e.ends_at, e.waitlist_enabled, e.privacy);
  INSERT INTO seat_counters (pool_id, slot, remaining) VALUES (e.id, 0, coalesce(e.max_attendees, 1000000000));
  INSERT INTO event_scores (event_id) VALUES (e.id);
  INSERT INTO event_docs (event_id, version, shape, meta, doc)
    VALUES (e.id, e.version, event_doc_shape(), event_meta(e), event_doc(e));
  PERFORM event_message(e, 'event.created', jsonb_build_object('title', e.title,
    'category', (SELECT slug FROM categories WHERE id = e.category_id), 'start_date', iso(e.start_date),
    'location', e.location, 'created_by', e.host_id));
  RETURN e;
END $$;

-- The parts of an event that has just been made, for its host: what event_parts would find.
CREATE OR REPLACE FUNCTION event_parts_new(e events) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT concat_ws(E'\n', d.meta, d.doc, format('{0/0/0/0/0/0/0/%s}', coalesce(e.max_attendees, 1000000000)), 'host - -',
                           '"my_rsvp":null,"friends_going":[]', coalesce(to_json(e.virtual_link)::text, 'null'))
          FROM event_docs d WHERE d.event_id = e.id);
END $$;

CREATE OR REPLACE FUNCTION event_create(p_id uuid, p_host uuid, body jsonb, quota int) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  wait int;
  e events;
BEGIN
  IF body->>'category' IS NOT NULL AND category_id(body->>'category') IS NULL THEN
    RETURN refuse_field('category', category_choices());
  END IF;
  IF (body->>'start_date')::timestamptz <= now() THEN
    RETURN refuse_field('start_date', 'must lie in the future');
  END IF;
  wait := rate_take('create', p_host::text, quota, interval '1 hour');
  IF wait > 0 THEN RAISE EXCEPTION USING ERRCODE = 'MQ429', MESSAGE = wait::text; END IF;
  e := event_insert(p_id, p_host, body);
  RETURN ROW(201, NULL, event_parts_new(e), NULL, format('viewer:%s:%s', p_host, p_id))::effect;
END $$;

-- One line of an import. 201 new, 200 there already.
CREATE OR REPLACE FUNCTION event_import(p_id uuid, p_host uuid, body jsonb, p_key text) RETURNS effect LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM events WHERE import_key = p_key) THEN
    RETURN ROW(200, NULL, NULL, NULL, NULL)::effect;
  END IF;
  IF body->>'category' IS NOT NULL AND category_id(body->>'category') IS NULL THEN
    RETURN refuse_field('category', category_choices());
  END IF;
  PERFORM event_insert(p_id, p_host, body, p_key);
  RETURN ROW(201, NULL, NULL, NULL, NULL)::effect;
END $$;

-- May this person do that to this event? NULL yes, else the refusal. e NULL: no such event.
CREATE OR REPLACE FUNCTION event_refusal(e events, p_user uuid, act text, admin boolean) RETURNS effect LANGUAGE plpgsql STABLE AS $$
DECLARE
  rel text;
BEGIN
  IF e.id IS NULL OR e.deleted_at IS NOT NULL THEN RETURN refuse(404, 'NOT_FOUND', 'no such event'); END IF;
  rel := event_relation(e.id, p_user, e.host_id);
  IF admin OR rel = 'host' OR rel = 'cohost' AND EXISTS
     (SELECT FROM event_hosts WHERE event_id = e.id AND user_id = p_user AND act = ANY (permissions)) THEN
    RETURN NULL;
  END IF;
  IF NOT relation_sees(e.privacy, rel) OR e.status = 'draft' AND rel <> 'cohost' THEN
    RETURN refuse(404, 'NOT_FOUND', 'no such event');
  END IF;
  RETURN refuse(403, 'FORBIDDEN', 'only its hosts may do this');
END $$;

-- Takes the event's exclusive lock and reads it; refusal set when the caller may not, or has
-- another version in mind (versions NULL: any).
CREATE OR REPLACE FUNCTION event_hold(p_event uuid, p_user uuid, act text, admin boolean, versions int[],
                                      OUT e events, OUT refusal effect) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(event_lock_key(p_event));
  SELECT * INTO e FROM events WHERE id = p_event;
  refusal := event_refusal(e, p_user, act, admin);
  IF (refusal).status IS NULL AND e.version <> ALL (versions) THEN
    refusal := refuse(412, 'PRECONDITION_FAILED', format('the event is at version %s by now', e.version));
  END IF;
END $$;

-- Checks that need the event as it stands; what C can see alone it has checked before.
CREATE OR REPLACE FUNCTION event_change_refusal(old events, new events, patch jsonb) RETURNS effect LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF patch->>'category' IS NOT NULL AND category_id(patch->>'category') IS NULL THEN
    RETURN refuse_field('category', category_choices());
  END IF;
  IF new.end_date <= new.start_date THEN
    RETURN refuse_field(CASE WHEN patch ? 'end_date' THEN 'end_date' ELSE 'start_date' END, CASE WHEN patch ? 'end_date' THEN 'must lie after start_date' ELSE 'must lie before end_date' END);
  END IF;
  IF old.status IN ('cancelled', 'completed') THEN
    RETURN refuse(409, 'EVENT_CLOSED', format('the event is %s', old.status));
  END IF;
  IF new.status <> old.status AND NOT (old.status = 'draft' AND new.status = 'active') THEN
    RETURN refuse_field('status', format('cannot become %s here', new.status));
  END IF;
  RETURN NULL;
END $$;

-- The names of patch's members whose value differs.
CREATE OR REPLACE FUNCTION event_changes(old events, new events, patch jsonb) RETURNS text[] LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(k ORDER BY k), '{}') FROM jsonb_object_keys(patch) k
  WHERE CASE k WHEN 'coordinates' THEN (old.lat, old.lng) IS DISTINCT FROM (new.lat, new.lng)
               WHEN 'category' THEN old.category_id IS DISTINCT FROM new.category_id
               ELSE to_jsonb(old)->k IS DISTINCT FROM to_jsonb(new)->k END
$$;

-- When and where an event is, for those who come: of another place or time they are told. The link of a
-- virtual one is nobody else's business, so it goes nowhere.
CREATE OR REPLACE FUNCTION event_spot(e events) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('start_date', iso(e.start_date), 'end_date', iso(e.end_date), 'timezone', e.timezone,
                            'location', e.location, 'is_virtual', e.is_virtual)
$$;

-- Those who come and those who wait are told by a job, 1000 at a time, what it was before: before the first
-- of several changes of which not everybody has heard.
CREATE OR REPLACE FUNCTION event_tell_changed(old events, new events) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  job text := 'changed:' || new.id;
BEGIN
  IF old.status = 'active' AND new.ends_at > now()
     AND (event_spot(old) <> event_spot(new) OR old.virtual_link IS DISTINCT FROM new.virtual_link)
     AND EXISTS (SELECT FROM rsvps WHERE event_id = new.id AND state IN ('going', 'held', 'waitlisted')) THEN
    PERFORM job_once(job, 'job_tell_changed', jsonb_build_object('event', new.id, 'after', '00000000-0000-0000-0000-000000000000',
      'was', coalesce((SELECT arg->'was' FROM jobs WHERE name = job), event_spot(old))));
  END IF;
END $$;

-- PATCH (and PUT, whose caller names every member). Nothing different: 200 and no new version.
CREATE OR REPLACE FUNCTION event_update(p_event uuid, p_user uuid, admin boolean, patch jsonb, versions int[])
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  h record;
  old events;
  new events;
  no effect;
  fields text[];
  c record;
  promoted text;
BEGIN
  SELECT * INTO h FROM event_hold(p_event, p_user, 'edit', admin, versions);
  IF (h.refusal).status IS NOT NULL THEN RETURN h.refusal; END IF;
  old := h.e;
  new := event_patched(old, patch);
  no := event_change_refusal(old, new, patch);
  IF (no).status IS NOT NULL THEN RETURN no; END IF;
  fields := event_changes(old, new, patch);
  IF cardinality(fields) > 0 THEN
    new.version := old.version + 1;
    new.updated_at := now();
    UPDATE event_seats SET open = (new.status = 'active'), closes_at = new.ends_at,
      waitlist = new.waitlist_enabled, privacy = new.privacy WHERE event_id = p_event;
    -- Seats that came free when it was over are given out once it is not over any more.
    IF old.max_attendees IS DISTINCT FROM new.max_attendees OR new.ends_at > old.ends_at THEN
      SELECT * INTO c FROM capacity_set(p_event, new.max_attendees);
      IF NOT c.done THEN
        UPDATE event_seats SET open = (old.status = 'active'), closes_at = old.ends_at,
          waitlist = old.waitlist_enabled, privacy = old.privacy WHERE event_id = p_event;
        RETURN refuse(409, 'CAPACITY_BELOW_GOING', 'more seats are taken than that');
      END IF;
      promoted := c.keys;
    END IF;
    PERFORM event_store(new);
    PERFORM event_message(new, 'event.updated', jsonb_build_object('updated_fields', fields), event_keys(p_event));
    PERFORM event_tell_changed(old, new);
  END IF;
  RETURN ROW(200, NULL, event_parts(p_event, p_user), NULL, concat_ws(E'\n', event_keys(p_event), promoted))::effect;
END $$;

-- Writes a changed row and its document. The key and the slug never change.
CREATE OR REPLACE FUNCTION event_store(e events) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE events SET title = e.title, description = e.description, location = e.location,
    location_words = e.location_words, url = e.url, lat = e.lat, lng = e.lng, start_date = e.start_date,
    end_date = e.end_date, timezone = e.timezone, privacy = e.privacy, category_id = e.category_id, tags = e.tags,
    media = e.media, image_url = e.image_url, is_virtual = e.is_virtual, virtual_link = e.virtual_link,
    price = e.price, currency = e.currency, max_attendees = e.max_attendees, waitlist_enabled = e.waitlist_enabled,
    status = e.status, cancel_reason = e.cancel_reason, version = e.version, updated_at = e.updated_at,
    deleted_at = e.deleted_at, ends_at = e.ends_at
  WHERE id = e.id;
  PERFORM event_doc_write(e.id);
END $$;

CREATE OR REPLACE FUNCTION event_publish(p_event uuid, p_user uuid, admin boolean, versions int[]) RETURNS effect LANGUAGE plpgsql AS $$
BEGIN
  RETURN event_update(p_event, p_user, admin, '{"status": "active"}', versions);
END $$;

-- The next 1000 people, in order of their id, whom a cancellation concerns.
CREATE OR REPLACE FUNCTION affected_users(p_event uuid, after uuid) RETURNS uuid[] LANGUAGE sql STABLE AS $$
  SELECT coalesce(array_agg(user_id ORDER BY user_id), '{}') FROM (
    SELECT user_id FROM rsvps WHERE event_id = p_event AND user_id > after
      AND state IN ('going', 'held', 'waitlisted', 'interested', 'maybe') ORDER BY user_id LIMIT 1000) s
$$;

-- Calls an event off: one short transaction; people are told by a job, 1000 at a time.
CREATE OR REPLACE FUNCTION event_cancel(p_event uuid, p_user uuid, admin boolean, reason text, versions int[])
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  h record;
  e events;
BEGIN
  SELECT * INTO h FROM event_hold(p_event, p_user, 'edit', admin, versions);
  IF (h.refusal).status IS NOT NULL THEN RETURN h.refusal; END IF;
  e := h.e;
  IF e.status = 'completed' THEN RETURN refuse(409, 'EVENT_CLOSED', 'the event is over'); END IF;
  IF e.status <> 'cancelled' THEN
    e.status := 'cancelled';
    e.cancel_reason := reason;
    e.version := e.version + 1;
    e.updated_at := now();
    UPDATE event_seats SET open = false WHERE event_id = p_event;
    PERFORM event_store(e);
    PERFORM event_message(e, 'event.cancelled', jsonb_build_object('reason', reason, 'chunk', 1,
      'affected_users', to_jsonb(affected_users(p_event, '00000000-0000-0000-0000-000000000000'))), event_keys(p_event));
    PERFORM job_once('cancelled:' || p_event, 'job_tell_cancelled',
                     jsonb_build_object('event', p_event, 'chunk', 1, 'reason', reason,
                                        'after', '00000000-0000-0000-0000-000000000000'));
  END IF;
  RETURN ROW(200, NULL, event_parts(p_event, p_user), NULL, event_keys(p_event))::effect;
END $$;

CREATE OR REPLACE FUNCTION event_delete(p_event uuid, p_user uuid, admin boolean, versions int[]) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  h record;
  e events;
BEGIN
  SELECT * INTO h FROM event_hold(p_event, p_user, 'delete', admin, versions);
  IF (h.refusal).status IS NOT NULL THEN RETURN h.refusal; END IF;
  e := h.e;
  e.version := e.version + 1;
  e.deleted_at := now();
  UPDATE event_seats SET open = false WHERE event_id = p_event;
  PERFORM event_store(e);
  DELETE FROM event_docs WHERE event_id = p_event;
  PERFORM event_message(e, 'event.deleted', '{}', event_keys(p_event));
  RETURN ROW(200, NULL, json_build_object('id', p_event, 'deleted', true)::text, NULL, event_keys(p_event))::effect;
END $$;
