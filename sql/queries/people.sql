-- name: USER_CREATE (id uuid, email text, hash text, name text, role text) effect
-- A new account; 409 for a known address.
SELECT f.* FROM user_create(:id, :email, :hash, :name, :role) f;

-- name: LOGIN_LOOKUP (email text, address text, quota int4) one writes
-- Seconds to wait (limit), id and hash of an active account, its second factor.
SELECT l.wait, l.id, l.hash, l.second, l.step FROM login_lookup(:email, :address, :quota) l;

-- name: SESSION_OPEN (user uuid, family uuid, token text, ttl int8, newhash text, address text,
--   agent text) one audited
-- A sign-in begins: e-mail, role, token epoch, profile.
SELECT s.email, s.role, s.epoch, s.profile
FROM session_open(:user, :family, :token, :ttl, :newhash, :address, :agent) s;

-- name: SECOND_GET (user uuid) optional
-- One's second factor: sealed secret, since when it counts, last step, how many recovery codes are left.
SELECT sealed, iso(confirmed_at), last_step, cardinality(recovery) FROM second_factors WHERE user_id = :user;

-- name: SECOND_BEGIN (user uuid, sealed text) effect
-- A secret to be confirmed.
SELECT f.* FROM second_begin(:user, :sealed) f;

-- name: SECOND_CONFIRM (user uuid, step int8, recovery text[]) one audited
-- The secret counts from now on.
SELECT second_confirm(:user, :step, :recovery);

-- name: SECOND_USE (user uuid, step int8, hash text) one writes
-- Uses a code up; false: it was used before.
SELECT second_use(:user, :step, :hash);

-- name: SECOND_OFF (user uuid) one audited
-- Sign-ins need no second factor any more.
SELECT second_off(:user);

-- name: SESSIONS (user uuid) one
-- Somebody's sign-ins that can still be used, as a JSON array.
SELECT sessions_of(:user);

-- name: SESSION_END (user uuid, family uuid, ttl int8) one writes
-- Ends one of one's own sign-ins; false: there is no such one.
SELECT session_end(:user, :family, :ttl);

-- name: USER_REVOKE (user uuid, ttl int8) one writes
-- Ends all sign-ins of somebody: the new token epoch.
SELECT user_revoke(:user, :ttl);

-- name: SESSION_REFRESH (token text, new text, grace int8, ttl int8) one writes
-- Rotates a refresh token: outcome, family, user, e-mail, role, epoch, profile.
SELECT s.outcome, s.family, s.user_id, s.email, s.role, s.epoch, s.profile
FROM session_refresh(:token, :new, :grace, :ttl) s;

-- name: SESSION_REVOKE (family uuid, ttl int8) one writes
-- A sign-in ends.
SELECT session_revoke(:family, :ttl);

-- name: TOKEN_REVOKE (jti text, ttl int8) none
-- One token ends that belongs to no sign-in.
INSERT INTO revocations (kind, id, expires_at) VALUES ('jti', :jti, now() + :ttl * interval '1 second')
ON CONFLICT (kind, id) DO UPDATE SET created_at = clock_timestamp(), expires_at = excluded.expires_at;

-- name: TOKEN_REVOKED (jti text, session text, user uuid, epoch int4) one
-- The slow question, for when shared memory cannot answer.
SELECT token_revoked(:jti, :session, :user, :epoch);

-- name: REVOCATIONS_SINCE (seconds int8) many
-- Revocations written in the last so many seconds.
SELECT kind, id, epoch, extract(epoch FROM expires_at)::bigint FROM revocations
WHERE created_at > now() - :seconds * interval '1 second' AND expires_at > now();

-- name: USER_BY_EMAIL (email citext) optional
-- Who signs in by that address: id, e-mail, role, token epoch.
SELECT id, email, role, token_epoch FROM users WHERE email = :email AND is_active AND deleted_at IS NULL;

-- name: USER_SET_ROLE (email text, role text, ttl int8) one audited
-- Gives a role and voids the tokens that carry the old one; NULL for nobody.
SELECT user_set_role(:email, :role, :ttl);

-- name: PROFILE_GET (user uuid) optional
-- One's own profile.
SELECT user_profile(u) FROM users u WHERE id = :user AND deleted_at IS NULL;

-- name: PROFILE_UPDATE (user uuid, patch jsonb, merge bool) effect
-- Changes one's own profile.
SELECT f.* FROM profile_update(:user, :patch, :merge) f;

-- name: USER_SHORT (id uuid) optional
-- The short view of somebody.
SELECT user_short(u)::text FROM users u WHERE id = :id AND deleted_at IS NULL;

-- name: USER_PUBLIC (id uuid) optional
-- What other services may know of somebody.
SELECT user_public(u) FROM users u WHERE id = :id AND deleted_at IS NULL;

-- name: USER_VALIDATE (id uuid) one
-- Does somebody exist, and may they act?
SELECT row_to_json(r)::text FROM (
  SELECT u.id IS NOT NULL AS exists, coalesce(u.is_active, false) AS is_active, u.name
  FROM (SELECT 1) one LEFT JOIN users u ON u.id = :id AND u.deleted_at IS NULL) r;

-- name: USERS_BATCH (ids uuid[]) one
-- Short views of up to 100 people, in the order asked; unknown ones are left out.
SELECT coalesce(json_agg(user_short(u) ORDER BY n), '[]')::text
FROM unnest(:ids) WITH ORDINALITY AS t(id, n) JOIN users u ON u.id = t.id AND u.deleted_at IS NULL;
