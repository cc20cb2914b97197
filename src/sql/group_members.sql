-- The jobs of a group: those inserted with it, the children of an ALL job, or the ALL job itself until it has become them.
create or replace function jobmaster.group_members(group_id bigint)
returns table (id bigint, task_id integer, status text, finished_at timestamptz, error jsonb)
language sql stable
as $fn$
  select job.id, job.task_id, job.status, job.finished_at, job.error
  from jobmaster.jobs job
  where job.group_id = $1 and job.status <> 'expanded'
  union all
  select job.id, job.task_id, job.status, job.finished_at, job.error
  from jobmaster.jobs job
  where job.parent_id = $1
  union all
  select job.id, job.task_id, job.status, job.finished_at, job.error
  from jobmaster.jobs job
  where job.id = $1 and job.expands and job.status <> 'expanded'
$fn$;
