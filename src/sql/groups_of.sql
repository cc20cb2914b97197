-- The ids of all groups that these jobs are of, or would be: an ALL job makes one with its children.
create or replace function jobmaster.groups_of(job_ids bigint[])
returns bigint[]
language sql stable
as $fn$
  select array_agg(distinct member_of.id)
  from jobmaster.jobs job
  cross join lateral (values (job.group_id), (job.parent_id), (case when job.expands then job.id end)) member_of (id)
  where job.id = any (job_ids) and member_of.id is not null
$fn$;
