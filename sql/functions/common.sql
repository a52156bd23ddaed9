-- Small helpers that everything else uses.
SET LOCAL check_function_bodies = off;

-- An instant as the API writes it: UTC, Z, milliseconds only where there are any.
CREATE OR REPLACE FUNCTION iso(t timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT to_char(t AT TIME ZONE 'UTC',
                 CASE WHEN date_trunc('second', t) = t THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
                      ELSE 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"' END)
$$;

-- UUID version 7 (RFC 9562) for rows that only SQL makes: outbox, notifications, promotions.
CREATE OR REPLACE FUNCTION uuid7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
           PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
           FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- The words of a place or name: lower case, without accents, anything else is a gap. As far as a plan
-- lives nobody changes the dictionary: a filter takes them once, not for each row.
CREATE OR REPLACE FUNCTION words(s text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT w
               FROM regexp_split_to_table(lower(public.unaccent(coalesce(s, ''))), '[^[:alnum:]]+') w WHERE w <> '');
END $$;

-- URL name: words of the title joined by '-', ended by ten characters of the id.
CREATE OR REPLACE FUNCTION slug(title text, id uuid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(trim(BOTH '-' FROM left(regexp_replace(
           lower(public.unaccent(title)), '[^a-z0-9]+', '-', 'g'), 60)), '') || '-', 'event-')
         || right(id::text, 10)
$$;

CREATE OR REPLACE FUNCTION refuse(status int, code text, message text, details text DEFAULT NULL)
RETURNS effect LANGUAGE sql IMMUTABLE AS $$
  SELECT ROW(status, code, message, details, NULL)::effect
$$;
CREATE OR REPLACE FUNCTION refuse_field(field text, reason text) RETURNS effect LANGUAGE sql IMMUTABLE AS $$
  SELECT refuse(422, 'VALIDATION_ERROR', field || ' ' || reason,
                json_build_array(json_build_object('field', field, 'reason', reason))::text)
$$;

-- Takes one of `quota` requests per `span` (GCRA, burst = quota). 0 = granted, else seconds to wait.
CREATE OR REPLACE FUNCTION rate_take(p_kind text, p_key text, quota int, span interval)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  step interval := trunc(extract(epoch FROM span) * 1000000 / greatest(quota, 1)) * interval '1 microsecond';
  was timestamptz;
  due timestamptz;
BEGIN
  IF quota <= 0 THEN RETURN 0; END IF;
  INSERT INTO rate_limits VALUES (p_kind, p_key, now()) ON CONFLICT DO NOTHING;
  SELECT greatest(tat, now()) INTO was FROM rate_limits WHERE kind = p_kind AND key = p_key FOR UPDATE;
  due := was + step - span;
  IF due > now() THEN RETURN ceil(extract(epoch FROM due - now())); END IF;
  UPDATE rate_limits SET tat = was + step WHERE kind = p_kind AND key = p_key;
  RETURN 0;
END $$;

-- The lock of an event: shared by those who need one seat, exclusive for who changes what seats mean.
CREATE OR REPLACE FUNCTION event_lock_key(event uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT uuid_hash_extended(event, 4711)
$$;
-- Held by who counts in the only slot of an event; only ever tried, never waited for.
CREATE OR REPLACE FUNCTION slot_lock_key(event uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT uuid_hash_extended(event, 4712)
$$;

-- Names this database and its history: another cluster, a promoted replica or a paid debt changes it.
CREATE OR REPLACE FUNCTION cache_namespace() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws('.', (SELECT system_identifier FROM pg_control_system()),
                   -- of what is written now: the control file learns of a promotion minutes later
                   CASE WHEN NOT pg_is_in_recovery()
                        THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END,
                   (SELECT oid FROM pg_database WHERE datname = current_database()),
                   (SELECT value FROM settings WHERE key = 'cache_epoch'))
$$;
CREATE OR REPLACE FUNCTION cache_epoch_bump() RETURNS text LANGUAGE sql VOLATILE AS $$
  UPDATE settings SET value = (value::bigint + 1)::text WHERE key = 'cache_epoch';
  SELECT cache_namespace();
$$;
-- The same for one server of a ring, by its slot; slot 0 stands for all.
CREATE OR REPLACE FUNCTION cache_epoch_bump(slot int) RETURNS void LANGUAGE sql VOLATILE AS $$
  INSERT INTO settings VALUES (concat_ws('/', 'cache_epoch', nullif(slot, 0)), '1')
  ON CONFLICT (key) DO UPDATE SET value = (settings.value::bigint + 1)::text
$$;
