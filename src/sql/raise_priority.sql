-- Raises a job to a priority if it is lower, and the jobs it is blocked on above it, along the chain. A row that somebody
-- has locked is passed over: under the claim lock nothing waits.
create or replace function jobmaster.raise_priority(job_id bigint, at_least integer)
returns void
language plpgsql volatile
as $fn$
declare
  level bigint[] := array[job_id];
begin
  while level is not null loop
    update jobmaster.jobs
    set priority = at_least, rank = -at_least
    where id = any (array(
      select id
      from jobmaster.jobs
      where id = any (level) and finished_at is null and priority < at_least
      order by id
      for update skip locked
    ));
    at_least := least(at_least + 1, 1000000000);
    -- Tasks have no cycles, so the chain ends.
    select array_agg(distinct blocker_id) into level
    from jobmaster.blockers
    where blockers.job_id = any (level);
  end loop;
end
$fn$;
