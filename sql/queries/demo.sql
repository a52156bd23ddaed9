-- name: DEMO_STATE () one
-- People and events of an earlier run.
SELECT d.people, d.gatherings FROM demo_state() d;

-- name: DEMO_BEGIN () one writes
-- Checks of foreign keys are left out where the role may do so: what is made here refers to itself.
SELECT demo_begin();

-- name: DEMO_USERS (seed int8, first int4, last int4, hash text) one writes
-- Some people.
SELECT demo_users(:seed, :first, :last, :hash);

-- name: DEMO_FRIENDS (seed int8, people int4) one writes
-- Friendships among all of them.
SELECT demo_friends(:seed, :people);

-- name: DEMO_EVENTS (seed int8, first int4, last int4, people int4) one writes
-- Some events.
SELECT demo_events(:seed, :first, :last, :people);

-- name: DEMO_PLAN (seed int8, gatherings int4, people int4, answers int4) one writes
-- How many answers each event will get.
SELECT demo_plan(:seed, :gatherings, :people, :answers);

-- name: DEMO_ANSWERS (seed int8, first int4, last int4, people int4) one writes
-- The answers to some events.
SELECT demo_answers(:seed, :first, :last, :people);

-- name: DEMO_DOCS (seed int8, first int4, last int4) one writes
-- The documents of some events.
SELECT demo_docs(:seed, :first, :last);

-- name: DEMO_FINISH () one writes
-- Statistics for the planner, popularity for the lists.
SELECT demo_finish();
