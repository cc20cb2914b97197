-- Keeps what handlers returned after their own commit had completed their jobs. Takes what settle takes; what is not
-- a completed attempt of the invocation is passed over. Waits for rows, in id order.
create or replace function jobmaster.keep_results(request jsonb)
returns void
language sql volatile
as $fn$
  with outcome as materialized (
    select (value ->> 0)::bigint as id, (value ->> 1)::integer as attempt, value -> 2 as result
    from jsonb_array_elements(request -> 'completed')
    where value -> 2 <> 'null'
    order by id
  )
  update jobmaster.jobs job
  set result = outcome.result
  from outcome
  where job.id = outcome.id
    and job.attempt = outcome.attempt
    and job.status = 'completed'
    and job.invocation = (request ->> 'invocation')::uuid
    and job.result is null
$fn$;
