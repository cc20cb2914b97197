-- Counts attempts that ended alike: one for each task in the list. Adds rows, and so waits for nobody.
create or replace function jobmaster.tally(task_ids integer[], outcome text, moment timestamptz)
returns void
language sql volatile
as $fn$
  insert into jobmaster.tallies (minute, task_id, outcome, jobs)
  select date_trunc('minute', moment), id, outcome, count(*)
  from unnest(task_ids) id
  group by id
$fn$;
