-- All that is counted of an event stands in its slots: a reader needs one table beside the document.
-- Like the rest, who waits may be counted up in one slot and down in another; views and shares are slot 0's.
ALTER TABLE seat_counters ADD COLUMN waitlisted int NOT NULL DEFAULT 0, ADD COLUMN views int NOT NULL DEFAULT 0,
  ADD COLUMN shares int NOT NULL DEFAULT 0;
UPDATE seat_counters k SET waitlisted = s.waiting FROM event_seats s WHERE s.event_id = k.pool_id AND k.slot = 0;
UPDATE seat_counters k SET views = c.views, shares = c.shares FROM event_counters c WHERE c.event_id = k.pool_id AND k.slot = 0;
DROP TABLE event_counters;
