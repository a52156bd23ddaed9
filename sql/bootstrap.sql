-- Run once per database by a superuser: roles, extensions, the schema and who may do what in it.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['marquee_owner', 'marquee_web', 'marquee_notifier', 'marquee_readonly'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', r);
    END IF;
  END LOOP;
  EXECUTE format('GRANT CREATE ON DATABASE %I TO marquee_owner', current_database());  -- restore makes the schema
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO marquee_owner, marquee_web, marquee_notifier, marquee_readonly',
                 current_database());
END $$;

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS citext;

CREATE SCHEMA IF NOT EXISTS marquee AUTHORIZATION marquee_owner;
GRANT USAGE ON SCHEMA marquee TO marquee_web, marquee_notifier, marquee_readonly;

ALTER DEFAULT PRIVILEGES FOR ROLE marquee_owner IN SCHEMA marquee
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO marquee_web, marquee_notifier;
ALTER DEFAULT PRIVILEGES FOR ROLE marquee_owner IN SCHEMA marquee
  GRANT USAGE ON SEQUENCES TO marquee_web, marquee_notifier;
ALTER DEFAULT PRIVILEGES FOR ROLE marquee_owner IN SCHEMA marquee
  GRANT SELECT ON TABLES TO marquee_readonly;

DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['marquee_owner', 'marquee_web', 'marquee_notifier', 'marquee_readonly'] LOOP
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = marquee, public', r, current_database());
  END LOOP;
END $$;

-- It tells of transactions that stay open too long, also other people's.
GRANT pg_read_all_stats TO marquee_notifier;

-- marquee demo leaves out the checks of foreign keys for what it makes itself (PostgreSQL 15).
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 150000 THEN
    EXECUTE 'GRANT SET ON PARAMETER session_replication_role TO marquee_owner';
  END IF;
END $$;
