-- Writes the outcomes of attempts, each fenced by (id, attempt) and the invocation that holds it.
-- Takes {"invocation": uuid,
--   "completed": [[id, attempt, result], …],
--   "outcomes": [{"id", "attempt", "outcome", "error", "retry_ms"}, …]}, where outcome is
--     "failed": counts; tried again after a back-off, or after retry_ms, while attempts are left
--     "fatal": failed for good, whatever is left
--     "interrupted": ended by the deadline; counts, and may be claimed again at once
--     "released": not started; does not count
-- Returns {"completed": how many, "settled": [[id, status], …] of the others, "refused": [id, …], "dependents": how many
-- jobs failed because of these}. Refused are those whose attempt is no longer the invocation's. What an earlier call of
-- this invocation wrote is not refused but answered again: its answer was lost, or the handler committed by itself.
-- Waits for rows, in id order, and takes no claim lock.
create or replace function jobmaster.settle(request jsonb)
returns jsonb
language plpgsql volatile
as $fn$
declare
  moment timestamptz := jobmaster.clock();
  me uuid := request ->> 'invocation';
  targets integer[];
  completed integer := 0;
  completed_jobs bigint[];
  completed_tasks integer[];
  completed_targets bigint[];
  settled jsonb;
  settled_count integer := 0;
  ended_jobs bigint[];
  ended_tasks integer[];
  ended_targets bigint[];
  refused bigint[];
  dependents integer := 0;
begin
  if jsonb_array_length(request -> 'completed') > 0 then
    with outcome as materialized (
      select (value ->> 0)::bigint as id, (value ->> 1)::integer as attempt, nullif(value -> 2, 'null') as result
      from jsonb_array_elements(request -> 'completed')
      order by id
    ), written as (
      update jobmaster.jobs job
      set status = 'completed',
        finished_at = moment,
        lease_until = null,
        result = outcome.result
      from outcome
      where job.id = outcome.id
        and job.attempt = outcome.attempt
        -- Running, said so that the index of running jobs cannot be chosen: each job is found by its id.
        and job.lease_until is not null
        and job.invocation = me
      returning job.id, job.task_id
    )
    select count(*), array_agg(id), array_agg(task_id)
    into completed, completed_jobs, completed_tasks
    from written;
    perform jobmaster.tally(completed_tasks, 'completed', moment);

    if completed < jsonb_array_length(request -> 'completed') then
      perform jobmaster.keep_results(request);
      select array_agg((value ->> 0)::bigint)
      into refused
      from jsonb_array_elements(request -> 'completed')
      where not exists (
        select
        from jobmaster.jobs job
        where job.id = (value ->> 0)::bigint
          and job.attempt = (value ->> 1)::integer
          and job.status = 'completed'
          and job.invocation = me
      );
      completed := jsonb_array_length(request -> 'completed') - coalesce(cardinality(refused), 0);
    end if;
  end if;

  if jsonb_array_length(request -> 'outcomes') > 0 then
    with outcome as materialized (
      select id, attempt, outcome, error, retry_ms
      from jsonb_to_recordset(request -> 'outcomes')
        as given (id bigint, attempt integer, outcome text, error jsonb, retry_ms double precision)
      order by id
    ), written as (
      update jobmaster.jobs job
      set (status, finished_at, run_at, failures, error, suspect, lease_until) = (
        select
          next.status,
          case when next.status in ('failed', 'cancelled') then moment end,
          case
            when next.status = 'scheduled'
            then moment + coalesce(outcome.retry_ms * interval '1 millisecond', jobmaster.retry_delay(job.failures + 1))
            else job.run_at
          end,
          job.failures + case when outcome.outcome = 'released' then 0 else 1 end,
          case when outcome.outcome = 'released' then job.error else outcome.error end,
          job.suspect and outcome.outcome = 'released',
          null::timestamptz
        from (
          select case
            when outcome.outcome <> 'fatal' and job.cancel_requested_at is not null then 'cancelled'
            when outcome.outcome = 'released' then 'waiting'
            when outcome.outcome = 'fatal' or job.failures + 1 >= job.max_attempts then 'failed'
            when outcome.outcome = 'interrupted' then 'waiting'
            else 'scheduled'
          end as status
        ) next
      )
      from outcome
      where job.id = outcome.id
        and job.attempt = outcome.attempt
        -- Running, said so that the index of running jobs cannot be chosen: each job is found by its id.
        and job.lease_until is not null
        and job.invocation = me
      returning job.id, job.task_id, job.status, job.finished_at, outcome.outcome
    ), counted as (
      insert into jobmaster.tallies (minute, task_id, outcome, jobs)
      select
        date_trunc('minute', moment),
        task_id,
        case status when 'scheduled' then 'retried' when 'waiting' then 'interrupted' else status end as became,
        count(*)
      from written
      where outcome <> 'released' or status = 'cancelled'
      group by task_id, became
    )
    select
      jsonb_agg(jsonb_build_array(id, status)),
      count(*),
      array_agg(id) filter (where finished_at is not null),
      array_agg(task_id) filter (where finished_at is not null)
    into settled, settled_count, ended_jobs, ended_tasks
    from written;
    perform jobmaster.note_attempts(request, moment);

    if settled_count < jsonb_array_length(request -> 'outcomes') then
      select
        jsonb_agg(jsonb_build_array(job.id, job.status)) filter (where job.id is not null),
        refused || array_agg(given.id) filter (where job.id is null)
      into settled, refused
      from jsonb_to_recordset(request -> 'outcomes') as given (id bigint, attempt integer)
      left join jobmaster.jobs job
        on job.id = given.id
        and job.attempt = given.attempt
        and job.status <> 'running'
        and job.invocation = me;
    end if;
  end if;

  -- Which of them others may wait for: asked only now, since a deploy may have made a rule, and a claim have blocked a job
  -- under it, while the updates above waited for their rows.
  select array_agg(distinct task_id) into targets from jobmaster.shapes;
  select array_agg(job.id)
  into completed_targets
  from unnest(completed_jobs, completed_tasks) job (id, task_id)
  where job.task_id = any (targets);
  select array_agg(job.id)
  into ended_targets
  from unnest(ended_jobs, ended_tasks) job (id, task_id)
  where job.task_id = any (targets);

  if completed_targets is not null then
    -- The clock is read again: a claim that blocked a job on one of these, while the update above waited for its lock,
    -- must find it completed after that. Keys are sorted, and one a key, so that two settles never wait crosswise.
    with ended as (
      delete from jobmaster.job_keys
      where job_id = any (completed_targets)
      returning shape_id, key_hash, key, job_id
    )
    insert into jobmaster.completions as last (shape_id, key_hash, key, completed_at, job_id)
    select distinct on (shape_id, key_hash) shape_id, key_hash, key, jobmaster.clock(), job_id
    from ended
    order by shape_id, key_hash, job_id desc
    on conflict (shape_id, key_hash) do update
    set key = excluded.key,
      completed_at = greatest(last.completed_at, excluded.completed_at),
      job_id = excluded.job_id;
  end if;
  if ended_targets is not null then
    delete from jobmaster.job_keys where job_id = any (ended_targets);
  end if;
  if completed_targets is not null or ended_targets is not null then
    dependents := jobmaster.wake_dependents(completed_targets || ended_targets);
  end if;

  return jsonb_build_object(
    'completed', completed,
    'settled', coalesce(settled, '[]'),
    'refused', coalesce(to_jsonb(refused), '[]'),
    'dependents', dependents
  );
end
$fn$;
