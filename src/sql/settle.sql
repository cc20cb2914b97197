-- Writes the outcomes of attempts, each fenced by (id, attempt) and the invocation that holds it.
-- Takes {"invocation": uuid,
--   "completed": {"ids": "{1,2}", "attempts": "{1,1}", "results": {"2": …}}, the first two as arrays of Postgres, which are
--     read many times faster than lists of JSON; results only of those that have one,
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
  job_ids bigint[];
  attempts integer[];
  results jsonb;
  common_attempt integer;
  by_id jsonb;
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
  in_groups bigint[];
  dependents integer := 0;
begin
  job_ids := request -> 'completed' ->> 'ids';
  if job_ids <> '{}' then
    attempts := request -> 'completed' ->> 'attempts';
    results := nullif(request -> 'completed' -> 'results', '{}');
    -- Of most batches every attempt is the first: then none is looked for.
    common_attempt := case when attempts[1] = all (attempts) then attempts[1] end;

    -- = any, and not a join, which the planner may turn into a walk over the whole table. It goes through the index in
    -- the order of ids, so rows are locked in it.
    with written as (
      update jobmaster.jobs job
      set status = 'completed',
        finished_at = moment,
        lease_until = null,
        result = case when results is not null then nullif(results -> job.id::text, 'null') end
      where job.id = any (job_ids)
        and job.attempt = coalesce(common_attempt, attempts[array_position(job_ids, job.id)])
        -- Running, said so that the index of running jobs cannot be chosen: each job is found by its id.
        and job.lease_until is not null
        and job.invocation = me
      returning job.id, job.task_id, job.group_id, job.parent_id
    ), counted as (
      insert into jobmaster.tallies (minute, task_id, outcome, jobs)
      select date_trunc('minute', moment), task_id, 'completed', count(*)
      from written
      group by task_id
    )
    -- Arrays of subselects, and no aggregates, each of which costs a call as much as a fifth of a job.
    select
      array(select id from written),
      array(select task_id from written),
      nullif(array(select group_id from written where group_id is not null) || array(select parent_id from written where parent_id is not null), '{}')
    into completed_jobs, completed_tasks, in_groups;
    completed := cardinality(completed_jobs);

    if completed < cardinality(job_ids) then
      perform jobmaster.keep_results(me, job_ids, attempts, results);
      select array_agg(given.id)
      into refused
      from unnest(job_ids, attempts) given (id, attempt)
      where not exists (
        select
        from jobmaster.jobs job
        where job.id = given.id
          and job.attempt = given.attempt
          and job.status = 'completed'
          and job.invocation = me
      );
      completed := cardinality(job_ids) - coalesce(cardinality(refused), 0);
    end if;
  end if;

  if jsonb_array_length(request -> 'outcomes') > 0 then
    select array_agg((value ->> 'id')::bigint), jsonb_object_agg(value ->> 'id', value)
    into job_ids, by_id
    from jsonb_array_elements(request -> 'outcomes');

    with written as (
      update jobmaster.jobs job
      set (status, finished_at, run_at, failures, error, suspect, lease_until) = (
        select
          next.status,
          case when next.status in ('failed', 'cancelled') then moment end,
          case
            when next.status = 'scheduled'
            then moment + coalesce(
              (given.outcome ->> 'retry_ms')::double precision * interval '1 millisecond', jobmaster.retry_delay(job.failures + 1)
            )
            else job.run_at
          end,
          job.failures + case when next.released then 0 else 1 end,
          case when next.released then job.error else given.outcome -> 'error' end,
          job.suspect and next.released,
          null::timestamptz
        from (select by_id -> job.id::text as outcome) given
        cross join lateral (
          select
            given.outcome ->> 'outcome' = 'released' as released,
            case
              when given.outcome ->> 'outcome' <> 'fatal' and job.cancel_requested_at is not null then 'cancelled'
              when given.outcome ->> 'outcome' = 'released' then 'waiting'
              when given.outcome ->> 'outcome' = 'fatal' or job.failures + 1 >= job.max_attempts then 'failed'
              when given.outcome ->> 'outcome' = 'interrupted' then 'waiting'
              else 'scheduled'
            end as status
        ) next
      )
      where job.id = any (job_ids)
        and job.attempt = (by_id -> job.id::text ->> 'attempt')::integer
        -- Running, said so that the index of running jobs cannot be chosen: each job is found by its id.
        and job.lease_until is not null
        and job.invocation = me
      returning job.id, job.task_id, job.status, job.finished_at, job.group_id, job.parent_id, by_id -> job.id::text ->> 'outcome' as outcome
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
      array_agg(task_id) filter (where finished_at is not null),
      in_groups || array_agg(group_id) filter (where finished_at is not null and group_id is not null)
        || array_agg(parent_id) filter (where finished_at is not null and parent_id is not null)
    into settled, settled_count, ended_jobs, ended_tasks, in_groups
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
  targets := array(select task_id from jobmaster.shapes);
  if targets && completed_tasks then
    select array_agg(job.id)
    into completed_targets
    from unnest(completed_jobs, completed_tasks) job (id, task_id)
    where job.task_id = any (targets);
  end if;
  if targets && ended_tasks then
    select array_agg(job.id)
    into ended_targets
    from unnest(ended_jobs, ended_tasks) job (id, task_id)
    where job.task_id = any (targets);
  end if;

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
  if completed_targets is not null or ended_targets is not null or in_groups is not null then
    dependents := jobmaster.wake_dependents(completed_targets || ended_targets, in_groups);
  end if;

  return jsonb_build_object(
    'completed', completed,
    'settled', coalesce(settled, '[]'),
    'refused', coalesce(to_jsonb(refused), '[]'),
    'dependents', dependents
  );
end
$fn$;
