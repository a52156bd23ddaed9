-- People as staff see them: found, given a role, suspended.
SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION account_row(u users) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r)::text FROM (SELECT u.id, u.name, u.email, u.username, u.role, u.is_active,
    iso(u.created_at) AS created_at) r
$$;

-- One page of accounts, the newest first: when, id, document. What is looked for stands in name or address.
CREATE OR REPLACE FUNCTION accounts(q text, p_roles text[], p_active boolean[], before timestamptz, before_id uuid,
                                    most int, skip int)
RETURNS TABLE (at text, id uuid, doc text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF q IS NULL THEN
    RETURN QUERY SELECT u.created_at::text, u.id, account_row(u) FROM users u
      WHERE (before IS NULL OR (u.created_at, u.id) < (before, before_id)) AND u.role = ANY (p_roles)
        AND u.is_active = ANY (p_active) AND u.deleted_at IS NULL
      ORDER BY u.created_at DESC, u.id DESC LIMIT most OFFSET skip;
  ELSE
    RETURN QUERY SELECT u.created_at::text, u.id, account_row(u) FROM users u
      WHERE account_words(u) LIKE '%' || lower(q) || '%'
        AND (before IS NULL OR (u.created_at, u.id) < (before, before_id)) AND u.role = ANY (p_roles)
        AND u.is_active = ANY (p_active) AND u.deleted_at IS NULL
      ORDER BY u.created_at DESC, u.id DESC LIMIT most OFFSET skip;
  END IF;
END $$;

-- Everything a page about one account shows.
CREATE OR REPLACE FUNCTION account(p_user uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r)::text FROM (
    SELECT u.id, u.name, u.email, u.username, u.role, u.is_active, u.location, u.timezone, u.locale,
      iso(u.created_at) AS created_at, iso(u.updated_at) AS updated_at,
      (SELECT count(*) FROM events e WHERE e.host_id = u.id AND e.deleted_at IS NULL) AS hosting,
      (SELECT count(*) FROM rsvps v WHERE v.user_id = u.id AND v.state = 'going') AS going,
      sessions_of(u.id)::json AS sessions
    FROM users u WHERE u.id = p_user AND u.deleted_at IS NULL) r
$$;

-- Role and activity; NULL leaves as it is. Whatever changes ends all sign-ins of that person: the new
-- token epoch stands in keys. Nobody can lock the door behind themselves.
CREATE OR REPLACE FUNCTION account_set(p_user uuid, p_by uuid, p_role text, p_active boolean, ttl_s bigint)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  u users;
  epoch int;
BEGIN
  SELECT * INTO u FROM users WHERE id = p_user AND deleted_at IS NULL FOR NO KEY UPDATE;
  IF u.id IS NULL THEN RETURN refuse(404, 'NOT_FOUND', 'no such account'); END IF;
  IF p_user = p_by THEN RETURN refuse(409, 'CONFLICT', 'this is your own account: ask somebody else'); END IF;
  IF (coalesce(p_role, u.role), coalesce(p_active, u.is_active)) IS DISTINCT FROM (u.role, u.is_active) THEN
    UPDATE users SET role = coalesce(p_role, role), is_active = coalesce(p_active, is_active), version = version + 1,
      updated_at = now() WHERE id = p_user;
    epoch := user_revoke(p_user, ttl_s);
  END IF;
  RETURN ROW(200, NULL, epoch::text, NULL, NULL)::effect;
END $$;

-- ---- looking at the site as somebody else ----
-- At nobody who has power over others. A job ends it for whoever does not, so that the audit log has both
-- ends in any case.
CREATE OR REPLACE FUNCTION impersonation_begin(p_id uuid, p_by uuid, p_user uuid, p_reason text, p_seconds int)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  u users;
  about jsonb := jsonb_build_object('id', p_id, 'reason', p_reason);
BEGIN
  SELECT * INTO u FROM users WHERE id = p_user AND deleted_at IS NULL;
  IF u.id IS NULL THEN RETURN refuse(404, 'NOT_FOUND', 'no such account'); END IF;
  IF u.role = 'admin' THEN RETURN refuse(403, 'FORBIDDEN', 'nobody looks at the site as an admin'); END IF;
  IF NOT u.is_active THEN RETURN refuse(409, 'CONFLICT', 'this account is suspended'); END IF;
  PERFORM audit_put('impersonation.began', 'user', p_user, NULL, about || jsonb_build_object('seconds', p_seconds), p_by);
  INSERT INTO jobs (name, fn, arg, run_at, note)
    VALUES ('impersonation:' || p_id, 'job_impersonation', about || jsonb_build_object('user', p_user, 'by', p_by),
            now() + p_seconds * interval '1 second', 'a look at the site as somebody else ends');
  RETURN ROW(200, NULL, json_build_object('email', u.email, 'role', u.role, 'epoch', u.token_epoch)::text, NULL, NULL)::effect;
END $$;
-- The pass is void from now on, whoever ends it.
CREATE OR REPLACE FUNCTION impersonation_over(about jsonb) RETURNS void LANGUAGE sql AS $$
  SELECT audit_put('impersonation.ended', 'user', (about->>'user')::uuid, NULL, about - 'user' - 'by', (about->>'by')::uuid);
  INSERT INTO revocations (kind, id, expires_at) VALUES ('jti', about->>'id', now() + interval '1 day') ON CONFLICT DO NOTHING;
$$;
CREATE OR REPLACE FUNCTION impersonation_end(p_id uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  about jsonb;
BEGIN
  DELETE FROM jobs WHERE name = 'impersonation:' || p_id RETURNING arg INTO about;
  IF about IS NOT NULL THEN PERFORM impersonation_over(about); END IF;
  RETURN about IS NOT NULL;
END $$;
CREATE OR REPLACE FUNCTION job_impersonation(arg jsonb) RETURNS int LANGUAGE sql AS $$
  SELECT impersonation_over(arg || '{"by_itself": true}');
  SELECT 0;
$$;

-- One page of the audit log, the newest first, as documents; names of people as they are today.
CREATE OR REPLACE FUNCTION audit_page(p_object uuid, p_actor uuid, before bigint, most int, skip int)
RETURNS TABLE (id bigint, doc text) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    SELECT r.id, row_to_json(r)::text FROM (
      SELECT a.id, iso(a.at) AS at, a.action, a.kind, a.object, a.actor, u.name AS actor_name, a.acting_as, s.name AS acting_as_name,
             a.address, a.request_id,
             a.before, a.after, e.title AS event_title, o.name AS user_name
      FROM (SELECT * FROM audit_log l WHERE %s AND ($3 IS NULL OR l.id < $3) ORDER BY l.id DESC LIMIT $4 OFFSET $5) a
      LEFT JOIN users u ON u.id = a.actor
      LEFT JOIN users s ON s.id = a.acting_as
      LEFT JOIN events e ON a.kind = 'event' AND e.id = a.object
      LEFT JOIN users o ON a.kind = 'user' AND o.id = a.object) r ORDER BY r.id DESC$q$,
    concat_ws(' AND ', 'true', CASE WHEN p_object IS NOT NULL THEN 'l.object = $1' END,
              CASE WHEN p_actor IS NOT NULL THEN 'l.actor = $2' END))
    USING p_object, p_actor, before, most, skip;
END $$;
