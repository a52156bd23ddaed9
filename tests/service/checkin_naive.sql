-- tests/service/checkin_naive.sql - the obvious check-in, as the control of the race: look first, then write
CREATE OR REPLACE FUNCTION checkin_scan(p_event uuid, p_user uuid, p_admin boolean, p_gate text, p_nonce text, p_what jsonb,
                                        early bigint) RETURNS effect LANGUAGE plpgsql AS $$
DECLARE
  r rsvps := checkin_find(p_event, p_what);
BEGIN
  IF EXISTS (SELECT FROM checkins WHERE event_id = p_event AND nonce = p_nonce) THEN RETURN ROW(200, NULL, '{}', NULL, NULL)::effect; END IF;
  INSERT INTO checkins VALUES (p_event, p_nonce, now(), 'scan', '', CASE WHEN r.checked_in_at IS NULL THEN 'ok' ELSE 'already' END,
                               now(), r.user_id, p_user, NULL);
  IF r.checked_in_at IS NULL THEN
    UPDATE rsvps SET checked_in_at = now() WHERE event_id = p_event AND user_id = r.user_id;
    PERFORM door_count(p_event, 1);
  END IF;
  RETURN ROW(200, NULL, '{}', NULL, NULL)::effect;
END $$;
