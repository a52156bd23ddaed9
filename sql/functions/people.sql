-- Accounts, sign-in, refresh, revocation, profiles.
SET LOCAL check_function_bodies = off;

CREATE OR REPLACE FUNCTION user_profile(u users) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r)::text FROM (SELECT u.id, u.email, u.name, u.username, u.bio, u.avatar, u.location,
    CASE WHEN u.lat IS NOT NULL THEN (SELECT row_to_json(c) FROM (SELECT u.lat, u.lng) c) END AS coordinates,
    u.industry, u.interests, u.birthday, u.timezone, u.locale, u.privacy, u.role,
    iso(u.created_at) AS created_at, iso(u.updated_at) AS updated_at) r
$$;
-- What another service (or person) may see of somebody beyond the short view.
CREATE OR REPLACE FUNCTION user_public(u users) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT row_to_json(r)::text
  FROM (SELECT u.id, u.name, u.username, u.avatar, u.location, u.industry, u.interests) r
$$;

CREATE OR REPLACE FUNCTION user_create(p_id uuid, p_email text, p_hash text, p_name text, p_role text)
RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  u users;
BEGIN
  INSERT INTO users (id, email, password_hash, name, role) VALUES (p_id, p_email, p_hash, p_name, p_role)
    ON CONFLICT (email) DO NOTHING RETURNING * INTO u;
  IF u.id IS NULL THEN
    RETURN refuse(409, 'CONFLICT', 'this e-mail address is registered already', '[{"field":"email","reason":"is registered already"}]');
  END IF;
  RETURN ROW(201, NULL, user_profile(u), NULL, NULL)::effect;
END $$;

-- What a sign-in needs to know. Takes from the account's and the address's quota first (0: no limit);
-- wait > 0: refused, try again in so many seconds. No id: nobody of that name.
CREATE OR REPLACE FUNCTION login_lookup(p_email text, p_address text, quota int, OUT wait int, OUT id uuid,
                                        OUT hash text, OUT second text, OUT step bigint) LANGUAGE plpgsql AS $$
BEGIN
  wait := rate_take('login-address', p_address, quota * 5, interval '1 hour');
  -- by account and address, so that strangers do not lock the owner out; many addresses together: ten times that
  IF wait = 0 THEN wait := rate_take('login', lower(p_email) || ' ' || p_address, quota, interval '1 hour'); END IF;
  IF wait = 0 THEN wait := rate_take('login-account', lower(p_email), quota * 10, interval '1 hour'); END IF;
  IF wait > 0 THEN RETURN; END IF;
  SELECT u.id, u.password_hash, f.sealed, f.last_step INTO login_lookup.id, hash, second, step
    FROM users u LEFT JOIN second_factors f ON f.user_id = u.id AND f.confirmed_at IS NOT NULL
    WHERE u.email = p_email::citext AND u.is_active AND u.deleted_at IS NULL;
END $$;

-- ---- the second factor ----
-- A secret to be confirmed; one that counts already stays.
CREATE OR REPLACE FUNCTION second_begin(p_user uuid, p_sealed text) RETURNS effect LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO second_factors AS f (user_id, sealed) VALUES (p_user, p_sealed)
    ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0 WHERE f.confirmed_at IS NULL;
  IF NOT FOUND THEN RETURN refuse(409, 'CONFLICT', 'a second factor is set up already'); END IF;
  RETURN ROW(200, NULL, NULL, NULL, NULL)::effect;
END $$;
-- From here on every sign-in needs it; recovery: hashes of the codes that replace it, once each.
CREATE OR REPLACE FUNCTION second_confirm(p_user uuid, p_step bigint, p_recovery text[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE second_factors SET confirmed_at = now(), last_step = p_step, recovery = p_recovery
    WHERE user_id = p_user AND confirmed_at IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM audit_put('user.second_factor_on', 'user', p_user);
  RETURN true;
END $$;
-- Uses up a code of the app (its step) or a recovery code (its hash); false: it was used before.
CREATE OR REPLACE FUNCTION second_use(p_user uuid, p_step bigint, p_hash text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE second_factors SET last_step = greatest(last_step, p_step), recovery = array_remove(recovery, p_hash)
    WHERE user_id = p_user AND confirmed_at IS NOT NULL AND (last_step < p_step OR p_hash = ANY (recovery));
  RETURN FOUND;
END $$;
CREATE OR REPLACE FUNCTION second_off(p_user uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM second_factors WHERE user_id = p_user;
  IF FOUND THEN PERFORM audit_put('user.second_factor_off', 'user', p_user); END IF;
END $$;

-- Opens a sign-in: a family with its first refresh token. newhash replaces the stored hash if given.
CREATE OR REPLACE FUNCTION session_open(p_user uuid, p_family uuid, p_token text, ttl_s bigint, newhash text,
                                        p_address text, p_agent text)
RETURNS TABLE (email text, role text, epoch int, profile text) LANGUAGE plpgsql AS $$
BEGIN
  IF newhash IS NOT NULL THEN UPDATE users SET password_hash = newhash WHERE users.id = p_user; END IF;
  INSERT INTO refresh_families (id, user_id, expires_at, address, agent)
    VALUES (p_family, p_user, now() + ttl_s * interval '1 second', p_address, p_agent);
  INSERT INTO refresh_tokens (hash, family_id) VALUES (p_token, p_family);
  PERFORM audit_put('user.signed_in', 'user', p_user, NULL, NULL, p_user);
  RETURN QUERY SELECT u.email::text, u.role, u.token_epoch, user_profile(u) FROM users u WHERE u.id = p_user;
END $$;

-- Ends a sign-in and every token made in it.
CREATE OR REPLACE FUNCTION session_revoke(p_family uuid, ttl_s bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE refresh_families SET revoked_at = coalesce(revoked_at, now()) WHERE id = p_family;
  INSERT INTO revocations (kind, id, expires_at) VALUES ('session', p_family::text, now() + ttl_s * interval '1 second')
    ON CONFLICT (kind, id) DO UPDATE SET created_at = clock_timestamp(), expires_at = excluded.expires_at;
$$;

-- Rotates a refresh token under its family's lock (RFC 9700, 4.14.2). A token used again within the
-- grace gets a sibling (two tabs, a lost answer); later the whole family is taken to be stolen.
-- outcome: ok | unknown | stolen.
CREATE OR REPLACE FUNCTION session_refresh(p_token text, p_new text, grace_ms bigint, ttl_s bigint)
RETURNS TABLE (outcome text, family uuid, user_id uuid, email text, role text, epoch int, profile text)
LANGUAGE plpgsql AS $$
DECLARE
  f refresh_families;
  t refresh_tokens;
BEGIN
  SELECT rf.* INTO f FROM refresh_families rf JOIN refresh_tokens rt ON rt.family_id = rf.id
    WHERE rt.hash = p_token FOR UPDATE OF rf;
  SELECT * INTO t FROM refresh_tokens WHERE hash = p_token;
  IF f.id IS NULL OR f.revoked_at IS NOT NULL OR f.expires_at <= now()
     OR NOT EXISTS (SELECT FROM users u WHERE u.id = f.user_id AND u.is_active AND u.deleted_at IS NULL) THEN
    RETURN QUERY SELECT 'unknown', f.id, NULL::uuid, NULL, NULL, NULL::int, NULL;
    RETURN;
  END IF;
  IF t.used_at < clock_timestamp() - grace_ms * interval '1 millisecond' THEN
    PERFORM session_revoke(f.id, ttl_s);
    RETURN QUERY SELECT 'stolen', f.id, f.user_id, NULL, NULL, NULL::int, NULL;
    RETURN;
  END IF;
  UPDATE refresh_families SET used_at = now() WHERE id = f.id;
  UPDATE refresh_tokens SET used_at = coalesce(used_at, clock_timestamp()) WHERE hash = p_token;
  INSERT INTO refresh_tokens (hash, family_id) VALUES (p_new, f.id);
  RETURN QUERY SELECT 'ok', f.id, u.id, u.email::text, u.role, u.token_epoch, user_profile(u)
    FROM users u WHERE u.id = f.user_id;
END $$;

-- The sign-ins of a person that can still be used, the last used first.
CREATE OR REPLACE FUNCTION sessions_of(p_user uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(json_agg(row_to_json(r)), '[]')::text FROM (
    SELECT id, iso(created_at) AS created_at, iso(used_at) AS used_at, iso(expires_at) AS expires_at, address, agent
    FROM refresh_families WHERE user_id = p_user AND revoked_at IS NULL AND expires_at > now()
    ORDER BY refresh_families.used_at DESC, id LIMIT 100) r
$$;
-- Ends one of them; false when it is not theirs, or over.
CREATE OR REPLACE FUNCTION session_end(p_user uuid, p_family uuid, ttl_s bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM refresh_families WHERE id = p_family AND user_id = p_user AND revoked_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM session_revoke(p_family, ttl_s);
  RETURN true;
END $$;

-- Makes every token of a person worthless (role change, disabling, log out everywhere).
CREATE OR REPLACE FUNCTION user_revoke(p_user uuid, ttl_s bigint) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  e int;
BEGIN
  UPDATE users SET token_epoch = token_epoch + 1 WHERE id = p_user RETURNING token_epoch INTO e;
  UPDATE refresh_families SET revoked_at = now() WHERE user_id = p_user AND revoked_at IS NULL;
  INSERT INTO revocations (kind, id, epoch, expires_at)
    VALUES ('user', p_user::text, e, now() + ttl_s * interval '1 second')
    ON CONFLICT (kind, id) DO UPDATE SET epoch = excluded.epoch, created_at = clock_timestamp(), expires_at = excluded.expires_at;
  RETURN e;
END $$;

CREATE OR REPLACE FUNCTION user_set_role(p_email text, p_role text, ttl_s bigint) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  uid uuid;
BEGIN
  UPDATE users SET role = p_role, updated_at = now() WHERE email = p_email::citext AND deleted_at IS NULL RETURNING id INTO uid;
  IF uid IS NOT NULL THEN PERFORM user_revoke(uid, ttl_s); END IF;
  RETURN uid;
END $$;

CREATE OR REPLACE FUNCTION token_revoked(p_jti text, p_session text, p_user uuid, p_epoch int) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM revocations WHERE (kind, id) IN (('jti', p_jti), ('session', p_session)))
      OR NOT EXISTS (SELECT FROM users WHERE id = p_user AND is_active AND deleted_at IS NULL AND token_epoch <= p_epoch)
$$;

-- The caller's own profile with the members of patch laid over it; null takes a member back. With
-- merge the switches of privacy are laid over the old ones too (RFC 7396), else they replace them.
CREATE OR REPLACE FUNCTION profile_update(p_user uuid, patch jsonb, merge boolean) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  u users;
  old users;
BEGIN
  SELECT * INTO old FROM users WHERE id = p_user AND deleted_at IS NULL FOR NO KEY UPDATE;
  IF old.id IS NULL THEN RETURN refuse(404, 'NOT_FOUND', 'no such account'); END IF;
  u := old;
  IF patch ? 'name' THEN u.name := patch->>'name'; END IF;
  IF patch ? 'username' THEN u.username := patch->>'username'; END IF;
  IF patch ? 'bio' THEN u.bio := patch->>'bio'; END IF;
  IF patch ? 'avatar' THEN u.avatar := patch->>'avatar'; END IF;
  IF patch ? 'location' THEN u.location := patch->>'location'; END IF;
  IF patch ? 'coordinates' THEN
    u.lat := (patch->'coordinates'->>'lat')::float8;
    u.lng := (patch->'coordinates'->>'lng')::float8;
  END IF;
  IF patch ? 'industry' THEN u.industry := patch->>'industry'; END IF;
  IF patch ? 'interests' THEN u.interests := text_array(patch->'interests'); END IF;
  IF patch ? 'birthday' THEN u.birthday := (patch->>'birthday')::date; END IF;
  IF patch ? 'timezone' THEN u.timezone := coalesce(patch->>'timezone', 'UTC'); END IF;
  IF patch ? 'locale' THEN u.locale := coalesce(patch->>'locale', 'en'); END IF;
  IF patch ? 'privacy' THEN
    u.privacy := jsonb_strip_nulls(CASE WHEN jsonb_typeof(patch->'privacy') <> 'object' THEN '{}'
                                        WHEN merge THEN old.privacy || (patch->'privacy')
                                        ELSE patch->'privacy' END);
  END IF;
  IF length(u.privacy::text) > 4000 THEN RETURN refuse_field('privacy', 'holds too much'); END IF;
  IF u IS DISTINCT FROM old THEN
    BEGIN
      UPDATE users SET name = u.name, username = u.username, bio = u.bio, avatar = u.avatar, location = u.location,
        lat = u.lat, lng = u.lng, industry = u.industry, interests = u.interests, birthday = u.birthday,
        timezone = u.timezone, locale = u.locale, privacy = u.privacy, version = version + 1, updated_at = now()
        WHERE id = p_user RETURNING * INTO u;
    EXCEPTION WHEN unique_violation THEN
      RETURN refuse(409, 'CONFLICT', 'this username is taken', '[{"field":"username","reason":"is taken"}]');
    END;
    IF (u.name, u.username, u.avatar) IS DISTINCT FROM (old.name, old.username, old.avatar) THEN
      PERFORM job_once('host:' || p_user, 'job_refresh_host', jsonb_build_object('user', p_user));
    END IF;
  END IF;
  RETURN ROW(200, NULL, user_profile(u), NULL, NULL)::effect;
END $$;
