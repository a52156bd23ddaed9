-- name: RSVP_SET (event uuid, user uuid, id uuid, want text, data jsonb, slow bool) effect
-- One person's answer to an event.
SELECT f.* FROM rsvp_set(:event, :user, :id, :want, :data, :slow) f;

-- name: RSVP_CANCEL (event uuid, user uuid, slow bool) effect
-- Takes an answer back.
SELECT f.* FROM rsvp_cancel(:event, :user, :slow) f;

-- name: RSVP_GET (event uuid, user uuid) optional
-- One's own answer, with exact counts.
SELECT rsvp_doc(r) FROM rsvps r JOIN event_docs d ON d.event_id = r.event_id
JOIN event_seats q ON q.event_id = r.event_id
WHERE r.event_id = :event AND r.user_id = :user AND event_visible(r.event_id, r.user_id, q.privacy);

-- name: EVENT_ACCESS (event uuid, user uuid) optional
-- What policy needs: core meta, relation and co-host permissions.
SELECT d.meta, v.meta FROM event_docs d JOIN events e ON e.id = d.event_id
CROSS JOIN LATERAL event_viewer(d.event_id, :user, e.host_id) v WHERE d.event_id = :event;

-- name: ATTENDEES (event uuid, status text, q text, email bool, at timestamptz, user uuid, most int4, skip int4) many
-- One page of answers: sort time, user, document.
SELECT a.at, a.user_id, a.doc FROM attendees(:event, :status, :q, :email, :at, :user, :most, :skip) a;

-- name: WAITLIST (event uuid, only uuid, after int8, most int4, skip int4) many
-- One page of those waiting: place, document.
SELECT w.wl, w.doc FROM waitlist(:event, :only, :after, :most, :skip) w;
