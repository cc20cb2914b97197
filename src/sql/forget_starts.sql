-- A job that was handed back before it began has not started: its start counts against no rate. Takes what settle takes.
create or replace function jobmaster.forget_starts(request jsonb)
returns void
language sql volatile
as $fn$
  delete from jobmaster.starts
  using jsonb_to_recordset(request -> 'outcomes') as given (id bigint, attempt integer, outcome text), jobmaster.jobs job
  where given.outcome = 'released'
    and starts.job_id = given.id
    and starts.attempt = given.attempt
    and job.id = given.id
    and job.attempt = given.attempt
    and job.lease_until is null
    and job.invocation = (request ->> 'invocation')::uuid
$fn$;
