-- Writes down that these jobs have started, those whose tasks have a rate: the window is counted from these rows. What has
-- left the window is deleted as it goes, at most 1,000 rows. Called under the claim lock; a row goes with a release: see
-- forget_starts.
create or replace function jobmaster.note_starts(job_ids bigint[], moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
  rated integer[];
begin
  with noted as (
    insert into jobmaster.starts (task_id, limit_key, started_at, job_id, attempt)
    select task.id, case when task.rate_limit_per is null then 0 else jobmaster.limit_key(coalesce(task.process_limit_per, task.rate_limit_per), job.args) end, moment, job.id, job.attempt
    from jobmaster.jobs job
    join jobmaster.tasks task on task.id = job.task_id
    where job.id = any (job_ids) and task.rate_limit is not null
    returning task_id
  )
  select array_agg(distinct task_id) into rated from noted;
  delete from jobmaster.starts
  where ctid = any (array(
    select old.ctid
    from unnest(rated) rated_task (id)
    join jobmaster.tasks task on task.id = rated_task.id
    cross join lateral (
      select starts.ctid
      from jobmaster.starts
      where starts.task_id = task.id and starts.started_at <= moment - task.rate_seconds * interval '1 second'
      order by starts.task_id, starts.started_at
      limit 1000
    ) old
    limit 1000
  ));
end
$fn$;
