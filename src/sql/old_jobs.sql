-- The next jobs by their ids, at most so many, that were inserted before a time: no other can have finished before it.
create or replace function jobmaster.old_jobs(after_id bigint, at_most integer, inserted_before timestamptz)
returns bigint[]
language sql stable
as $fn$
  select coalesce(array_agg(id order by id) filter (where created_at < inserted_before), '{}')
  from (select id, created_at from jobmaster.jobs where id > after_id order by id limit at_most) next
$fn$;
