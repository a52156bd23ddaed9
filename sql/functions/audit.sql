-- The audit log: one row per change by people, written by the transaction that makes it.
SET LOCAL check_function_bodies = off;

-- Who asks stands in marquee.who: person, address, request, and whom they look at the site as, a line each.
CREATE OR REPLACE FUNCTION audit_put(p_action text, p_kind text, p_object uuid, p_before jsonb DEFAULT NULL,
                                     p_after jsonb DEFAULT NULL, p_actor uuid DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  who text[] := string_to_array(current_setting('marquee.who', true), E'\n', '');
BEGIN
  INSERT INTO audit_log (actor, address, request_id, acting_as, action, kind, object, before, after)
  VALUES (coalesce(who[1]::uuid, p_actor), who[2], who[3], who[4]::uuid, p_action, p_kind, p_object, p_before, p_after);
END $$;

-- For tables whose rows people change: kind, the columns that are told, and those a new row is known by.
CREATE OR REPLACE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  told text[] := TG_ARGV[1]::text[];
  old_row jsonb;
  new_row jsonb := to_jsonb(NEW);
  a jsonb;
  b jsonb;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT jsonb_object_agg(c, new_row->c) INTO b FROM unnest(TG_ARGV[2]::text[]) c;
    PERFORM audit_put(TG_ARGV[0] || '.created', TG_ARGV[0], NEW.id, NULL, b);
    RETURN NULL;
  END IF;
  old_row := to_jsonb(OLD);
  SELECT jsonb_object_agg(c, old_row->c), jsonb_object_agg(c, new_row->c) INTO a, b
    FROM unnest(told) c WHERE old_row->c IS DISTINCT FROM new_row->c;
  IF b IS NOT NULL THEN
    PERFORM audit_put(TG_ARGV[0] || CASE WHEN b ? 'deleted_at' THEN '.deleted'
                                         WHEN b->>'status' = 'cancelled' THEN '.cancelled'
                                         WHEN a->>'status' = 'draft' THEN '.published' ELSE '.updated' END,
                      TG_ARGV[0], NEW.id, a, b);
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE ON events FOR EACH ROW
  WHEN (current_setting('marquee.who', true) <> '') EXECUTE FUNCTION audit_change('event',
  '{title,description,location,url,lat,lng,start_date,end_date,timezone,privacy,category_id,tags,media,image_url,is_virtual,virtual_link,price,currency,max_attendees,waitlist_enabled,status,cancel_reason,deleted_at}',
  '{title,start_date,status}');
-- Of people only what staff may change: the rest is theirs, and goes with them.
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE ON users FOR EACH ROW
  WHEN (current_setting('marquee.who', true) <> '') EXECUTE FUNCTION audit_change('user',
  '{role,is_active,deleted_at}', '{role}');

-- Answers are people's own business, unless staff gives them in somebody's name.
CREATE OR REPLACE FUNCTION audit_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_put('registration.changed', 'event', NEW.event_id, jsonb_build_object('state', NEW.from_state),
                    jsonb_build_object('state', NEW.to_state, 'user_id', NEW.user_id));
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER audit AFTER INSERT ON rsvp_history FOR EACH ROW
  WHEN (split_part(current_setting('marquee.who', true), E'\n', 4) <> '') EXECUTE FUNCTION audit_answer();

-- Two years. The web role may not do this, nor may the notifier but through here.
CREATE OR REPLACE FUNCTION job_audit(arg jsonb) RETURNS int LANGUAGE sql SECURITY DEFINER
SET search_path = marquee, public, pg_temp AS $$
  WITH old AS (DELETE FROM audit_log WHERE id IN
    (SELECT id FROM audit_log WHERE at < now() - coalesce(arg->>'keep', '2 years')::interval LIMIT 1000) RETURNING 1)
  SELECT (count(*) = 1000)::int FROM old
$$;
REVOKE ALL ON FUNCTION job_audit(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION job_audit(jsonb) TO marquee_notifier;
