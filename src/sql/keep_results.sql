-- Keeps what handlers returned after their own commit had completed their jobs: {job id: result}. What is not a completed
-- attempt of the invocation is passed over. Waits for rows, in id order.
create or replace function jobmaster.keep_results(me uuid, job_ids bigint[], attempts integer[], results jsonb)
returns void
language sql volatile
as $fn$
  update jobmaster.jobs job
  set result = results -> job.id::text
  where job.id = any (job_ids)
    and job.attempt = attempts[array_position(job_ids, job.id)]
    and job.status = 'completed'
    and job.invocation = me
    and job.result is null
    and results -> job.id::text <> 'null'
$fn$;
