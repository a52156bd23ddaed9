-- States and topics as domains instead of CHECK constraints: a constraint is parsed again by every
-- statement that inserts, a domain's condition once per connection. seats stays 1 by its default:
-- nothing writes it yet.
CREATE DOMAIN attendance AS text CONSTRAINT attendance_known CHECK (VALUE IN
  ('interested', 'maybe', 'not_going', 'held', 'going', 'waitlisted', 'cancelled'));
ALTER TABLE rsvps DROP CONSTRAINT rsvps_state_check, DROP CONSTRAINT rsvps_seats_check,
  ALTER COLUMN state TYPE attendance;

CREATE DOMAIN outbox_topic AS text CONSTRAINT outbox_topic_known CHECK (VALUE IN ('events', 'notifications'));
ALTER TABLE outbox DROP CONSTRAINT outbox_topic_check, ALTER COLUMN topic TYPE outbox_topic;
ALTER TABLE outbox_parked ALTER COLUMN topic TYPE outbox_topic;
