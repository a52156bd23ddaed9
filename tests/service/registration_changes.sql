-- tests/service/registration_changes.sql - a long random life: what is stored equals what is counted

CREATE FUNCTION t.pick(VARIADIC a anyarray) RETURNS anyelement LANGUAGE sql VOLATILE AS $$
  SELECT a[1 + floor(random() * cardinality(a))::int]
$$;

-- A random member of a patch.
CREATE FUNCTION t.patch() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT t.pick(jsonb_build_object('title', 'Title ' || random()), jsonb_build_object('max_attendees', 1 + floor(random() * 5)),
    jsonb_build_object('max_attendees', 1 + floor(random() * 5)), jsonb_build_object('max_attendees', 1 + floor(random() * 5)),
    '{"max_attendees": null}', '{"max_attendees": 600}', '{"waitlist_enabled": false}', '{"waitlist_enabled": true}',
    '{"tags": ["a", "ü", "\"quoted\"\n"]}', '{"tags": null}', '{"location": "Zürich, Hall 5"}', '{"location": null}',
    '{"coordinates": {"lat": 47.37, "lng": 8.54}}', '{"coordinates": null}', '{"price": 12.5, "currency": "EUR"}',
    '{"category": "Tech"}', '{"category": null}', '{"privacy": "private"}', '{"privacy": "friends_only"}', '{"privacy": "public"}', '{"privacy": "public"}', '{"privacy": "public"}',
    '{"virtual_link": "https://example.org/x", "is_virtual": true}', '{"virtual_link": null}', '{"description": "<b>\u2028</b>"}',
    jsonb_build_object('start_date', iso(now() + random() * interval '90 days'), 'end_date', NULL), '{"timezone": "Europe/Zurich"}')
$$;

-- One random change to an event or by a person; the word says which.
CREATE FUNCTION t.change(events uuid[], people uuid[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.pick(VARIADIC events);
  u uuid := t.pick(VARIADIC people);
  what text := t.pick('answer'::text, 'answer', 'answer', 'answer', 'answer', 'answer', 'answer', 'answer', 'answer',
                      'cancel', 'cancel', 'cancel', 'edit', 'edit', 'edit', 'slow', 'rename', 'cohost', 'publish', 'seldom');
BEGIN
  IF what = 'seldom' THEN
    what := CASE WHEN random() < 0.3 THEN t.pick('off'::text, 'delete', 'complete') ELSE 'invite' END;
  END IF;
  CASE what
    WHEN 'answer' THEN PERFORM t.answer(ev, u, t.pick('going'::text, 'going', 'going', 'going', 'going', 'maybe', 'interested', 'not_going'));
    WHEN 'slow' THEN PERFORM rsvp_set(ev, u, uuid7(), t.pick('going'::text, 'maybe', 'not_going'), NULL, true);
    WHEN 'cancel' THEN PERFORM t.cancel(ev, u);
    WHEN 'edit' THEN PERFORM t.edit(ev, t.patch() || t.patch());
    WHEN 'publish' THEN PERFORM event_publish(ev, t.host(ev), false, NULL);
    WHEN 'rename' THEN
      PERFORM profile_update(t.host(ev), jsonb_build_object('name', 'Name ' || random()), true);
      PERFORM job_refresh_host(jsonb_build_object('user', t.host(ev)));
    WHEN 'cohost' THEN
      INSERT INTO event_hosts (event_id, user_id) VALUES (ev, u) ON CONFLICT DO NOTHING;
      PERFORM job_refresh_host(jsonb_build_object('user', u));
    WHEN 'invite' THEN
      INSERT INTO invitations (id, event_id, inviter_id, invitee_id) SELECT uuid7(), ev, t.host(ev), p FROM unnest(people) p
        ON CONFLICT DO NOTHING;
    WHEN 'off' THEN PERFORM event_cancel(ev, t.host(ev), false, 'so', NULL);
    WHEN 'delete' THEN PERFORM event_delete(ev, t.host(ev), false, NULL);
    WHEN 'complete' THEN
      UPDATE marquee.events e SET start_date = now() - interval '3 days', end_date = NULL, ends_at = now() - interval '2 days' WHERE e.id = ev;
      PERFORM job_complete('{}');
      PERFORM event_doc_write(d.event_id) FROM event_docs d WHERE d.event_id = ev;
  END CASE;
  RETURN what;
END $$;

CREATE FUNCTION t.test_random_life() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  people uuid[] := t.people(20);
  events uuid[] := ARRAY[t.event(1), t.event(3), t.event(5, '{"waitlist_enabled": false}'), t.event(600), t.event(NULL),
                         t.event(8, '{"status": "draft"}'), t.event(4, '{"privacy": "private"}'), t.event(2), t.event(12)];
  seen text[] := '{}';
  did text;
  broken text;
BEGIN
  PERFORM setseed(0.42);
  FOR i IN 1..500 LOOP
    did := t.change(events, people);
    seen := seen || did;
    IF i % 10 = 0 THEN
      SELECT string_agg(b, ', ') INTO broken FROM (
        SELECT c::text FROM check_invariants() c UNION ALL SELECT 'document of ' || d FROM check_docs() d) x (b);
      IF broken IS NOT NULL THEN RAISE EXCEPTION 'after change % (…, %): %', i, did, broken; END IF;
    END IF;
  END LOOP;
  PERFORM t.is('kinds of change', (SELECT count(DISTINCT w) FROM unnest(seen) w), 11);
  PERFORM t.is('people moved', (SELECT count(*) > 100 FROM rsvp_history WHERE user_id = ANY (people)), true);
  PERFORM t.is('some were promoted', (SELECT count(*) > 0 FROM notifications WHERE user_id = ANY (people)), true);
  DELETE FROM jobs WHERE every IS NULL;
END $$;

-- Raised when it was over, nobody moves up; once it ends later after all, somebody does.
CREATE FUNCTION t.test_later_end() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ev uuid := t.event(1);
BEGIN
  PERFORM t.fill(ev, t.people(2));
  UPDATE marquee.events SET start_date = now() - interval '3 days', end_date = NULL, ends_at = now() - interval '2 days' WHERE id = ev;
  UPDATE event_seats SET closes_at = now() - interval '2 days' WHERE event_id = ev;
  PERFORM event_doc_write(ev);
  PERFORM t.is('raised', t.word(t.edit(ev, '{"max_attendees": 2}')), '200');
  PERFORM t.is('nobody moves up', (SELECT waiting FROM event_seats WHERE event_id = ev), 1);
  PERFORM t.is('which is no fault', (SELECT count(*) FROM check_invariants() c WHERE c.event_id = ev), 0);
  PERFORM t.is('it ends later', t.word(t.edit(ev, jsonb_build_object('start_date', iso(now() + interval '1 day')))), '200');
  PERFORM t.is('now somebody does', (SELECT waiting FROM event_seats WHERE event_id = ev), 0);
  PERFORM t.is('and all is well', (SELECT count(*) FROM check_invariants() c WHERE c.event_id = ev), 0);
END $$;
