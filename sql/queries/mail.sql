-- name: MAIL_DERIVE () one writes
-- Messages of the outbox become mails; how many.
SELECT mail_derive();

-- name: MAIL_OFF () none
-- Mail is not configured: what happens from now on is not to be mailed later.
UPDATE mail_state SET snap = NULL WHERE snap IS NOT NULL;

-- name: MAIL_NEXT (lease int8, hash text, ttl int8) one writes
-- The next mail that is due, and what it is made of; NULL when there is none.
SELECT m.id, m.letter FROM mail_next(:lease, :hash, :ttl) m;

-- name: MAIL_DONE (id uuid, outcome text, reason text) one writes
-- What became of it.
SELECT mail_done(:id, :outcome, :reason);

-- name: MAIL_QUEUE () one
-- Mails that wait, the age of the oldest in seconds, those parked; sent and failed tries so far.
SELECT pending, coalesce(extract(epoch FROM clock_timestamp() - oldest), 0)::float8, parked, sent, failed FROM mail_queue();

-- name: MAIL_LIST () many
-- Mails that are not sent yet, those that wait for a person first.
SELECT m.id, m.kind, coalesce((SELECT u.email::text FROM users u WHERE u.id = m.user_id), m.address), to_char(m.created_at, 'YYYY-MM-DD HH24:MI:SS'), m.tries,
  CASE WHEN m.parked_at IS NULL THEN to_char(m.send_after, 'YYYY-MM-DD HH24:MI:SS') END, coalesce(m.last_error, '')
FROM mails m WHERE m.sent_at IS NULL ORDER BY m.parked_at NULLS LAST, m.lane, m.send_after LIMIT 1000;

-- name: MAIL_RETRY (ids uuid[]) many
-- They are tried again now, and for three days more.
UPDATE mails SET parked_at = NULL, send_after = now(), created_at = now()
WHERE sent_at IS NULL AND id = ANY (:ids) RETURNING id, kind;

-- name: MAIL_RETRY_ALL () many
-- The same for all that are not sent.
UPDATE mails SET parked_at = NULL, send_after = now(), created_at = now() WHERE sent_at IS NULL RETURNING id, kind;

-- name: MAIL_TEST (address text) one writes
-- A mail that says no more than that it has arrived.
INSERT INTO mails (id, kind, lane, address) VALUES (uuid7(), 'test', 0, :address) RETURNING id;

-- name: MAIL_FATE (id uuid) optional
-- Is it sent? And the last error.
SELECT sent_at IS NOT NULL, parked_at IS NOT NULL, last_error FROM mails WHERE id = :id;

-- name: PASSWORD_FORGOT (email text, address text, quota int4, mail bool) one writes
-- Asks for a mail with which a new password can be chosen; seconds to wait (limit).
SELECT password_forgot(:email, :address, :quota, :mail);

-- name: RESET_KNOWN (hash text) one
-- May this token be used? Asked before a new password is hashed.
SELECT EXISTS (SELECT FROM password_resets WHERE hash = :hash AND expires_at > now());

-- name: PASSWORD_RESET (hash text, newhash text, ttl int8) optional writes
-- Uses it: whose, and the epoch from which on tokens count.
SELECT r.who, r.epoch FROM password_reset(:hash, :newhash, :ttl) r;
