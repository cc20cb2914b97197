-- A job as an insert answers it, but for the name of its task: not what it gave, and what became of it.
create or replace function jobmaster.told(job jobmaster.jobs)
returns jsonb
language sql stable
as $fn$
  select jsonb_build_object(
    'id', job.id, 'args', job.args, 'priority', job.priority, 'status', job.status, 'attempt', job.attempt,
    'maxAttempts', job.max_attempts, 'failures', job.failures, 'processUnits', job.process_units, 'system', job.system,
    'createdAt', job.created_at, 'runAt', job.run_at, 'startedAt', job.started_at, 'finishedAt', job.finished_at,
    'leaseUntil', job.lease_until, 'result', null, 'error', null, 'parentId', job.parent_id, 'groupId', job.group_id, 'progress', null
  )
$fn$;
