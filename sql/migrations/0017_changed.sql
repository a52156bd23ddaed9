-- People are mailed when an event gets another time or place.
ALTER TABLE mails DROP CONSTRAINT mails_kind_check;
ALTER TABLE mails ADD CONSTRAINT mails_kind_check
  CHECK (kind IN ('password_reset', 'registered', 'waitlisted', 'promoted', 'event_changed', 'event_cancelled', 'test'));
