-- Makes these jobs findable for dependencies: for each shape that some dependency looks at in them, its key.
-- Not those set for later or with ALL: nothing waits for them.
create or replace function jobmaster.write_keys(job_ids bigint[])
returns void
language sql volatile
as $fn$
  insert into jobmaster.job_keys (job_id, shape_id, key_hash, key)
  select job.id, shape.id, jsonb_hash_extended(looked_at.key, 0), looked_at.key
  from jobmaster.jobs job
  join jobmaster.shapes shape on shape.task_id = job.task_id
  cross join lateral (select jobmaster.shape_key(shape.names, job.args) as key) looked_at
  where job.id = any (job_ids)
    and not job.expands
    and job.finished_at is null
    and (job.status <> 'scheduled' or job.attempt > 0)
  on conflict do nothing
$fn$;
