-- name: TICKET_GET (event uuid, user uuid) optional
-- One's own ticket, and when its seat was taken in milliseconds since 1970.
SELECT ticket_doc(r, e), epoch_ms(r.registered_at) FROM rsvps r JOIN events e ON e.id = r.event_id
WHERE r.event_id = :event AND r.user_id = :user AND r.state = 'going' AND e.deleted_at IS NULL;

-- name: CHECKIN_SCAN (event uuid, user uuid, admin bool, gate text, nonce text, what jsonb, early int8) effect
-- One scan at the door, by a host or through a link.
SELECT f.* FROM checkin_scan(:event, :user, :admin, :gate, :nonce, :what, :early) f;

-- name: CHECKIN_MANY (event uuid, user uuid, admin bool, batch uuid, people uuid[], early int8) effect
-- Scans of many people by a host.
SELECT f.* FROM checkin_many(:event, :user, :admin, :batch, :people, :early) f;

-- name: CHECKIN_BATCH (event uuid, batch uuid) one
-- What they came to, as JSON.
SELECT coalesce(json_agg(checkin_doc(k, false) ORDER BY k.reason <> 'ok', k.nonce), '[]')::text FROM checkins k
WHERE k.event_id = :event AND k.nonce BETWEEN :batch::text || ':00000000-0000-0000-0000-000000000000'
  AND :batch::text || ':ffffffff-ffff-ffff-ffff-ffffffffffff';

-- name: CHECKIN_UNDO (event uuid, user uuid, admin bool, gate text, nonce text, what jsonb) effect
-- Takes a check-in back.
SELECT f.* FROM checkin_undo(:event, :user, :admin, :gate, :nonce, :what) f;

-- name: DOOR_LOOK (event uuid, user uuid, admin bool, gate text, nonce text, q text, early int8) effect
-- What the door shows, who is called q, what a scan came to.
SELECT f.* FROM door_look(:event, :user, :admin, :gate, :nonce, :q, :early) f;

-- name: GATE_CREATE (event uuid, user uuid, admin bool, id uuid, name text, hash text, expires timestamptz) effect
-- A link for the staff of one door.
SELECT f.* FROM gate_create(:event, :user, :admin, :id, :name, :hash, :expires) f;

-- name: GATE_LIST (event uuid, user uuid, admin bool) effect
-- The links of an event, without their secrets.
SELECT f.* FROM gate_list(:event, :user, :admin) f;

-- name: GATE_REVOKE (event uuid, user uuid, admin bool, id uuid) effect
-- A link ends.
SELECT f.* FROM gate_revoke(:event, :user, :admin, :id) f;

-- name: DOOR_LIST (event uuid, fared text, q text, email bool, at timestamptz, user uuid, most int4, skip int4) many
-- One page of those who came, or did not: sort time, user, document.
SELECT a.at, a.user_id, a.doc FROM door_list(:event, :fared, :q, :email, :at, :user, :most, :skip) a;
