-- Deletes finished jobs, whose rows the caller holds, with all that is kept of each beside its row. Not their completions:
-- what was fresh stays fresh.
create or replace function jobmaster.delete_jobs(job_ids bigint[])
returns void
language sql volatile
as $fn$
  delete from jobmaster.job_keys where job_id = any (job_ids);
  delete from jobmaster.blockers where job_id = any (job_ids);
  delete from jobmaster.group_waits where job_id = any (job_ids);
  -- Where an insert has the key just now, it writes another job into it.
  delete from jobmaster.unique_keys
  where ctid = any (array(select ctid from jobmaster.unique_keys where job_id = any (job_ids) for update skip locked));
  delete from jobmaster.attempts where job_id = any (job_ids);
  delete from jobmaster.progress where job_id = any (job_ids);
  delete from jobmaster.log_lines where job_id = any (job_ids);
  delete from jobmaster.jobs where id = any (job_ids)
$fn$;
