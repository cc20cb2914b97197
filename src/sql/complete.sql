-- Completes a job in the transaction of its handler's own writes, or raises JM016, and then nothing of them is written.
-- It comes last: its locks, those of a settle, are held for a moment only, and taken after the application's own as in
-- an insert with { tx }. Of two attempts that commit at once, the second waits for the row of the job and is refused.
create or replace function jobmaster.complete(job_id bigint, attempt integer, invocation uuid)
returns void
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
begin
  perform jobmaster.read_committed();
  perform from jobmaster.jobs where id = job_id for update;
  perform jobmaster.fence(job_id, attempt, invocation);
  perform jobmaster.settle(jsonb_build_object(
    'invocation', invocation,
    'completed', jsonb_build_object('ids', array[job_id]::text, 'attempts', array[attempt]::text),
    'outcomes', '[]'::jsonb
  ));
end
$fn$;
