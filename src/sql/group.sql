-- A group in one answer: {"id", "status": "open", or "completed" or "failed" once all its jobs have ended, "createdAt",
-- "endedAt", "counts": how many jobs in each status there are, "total", "done": how many have ended, "failure": what the
-- first that failed says, "onComplete", "onFailed": the ids of those jobs}. Of an ALL job, its children. What was deleted
-- counts in total and done. Raises JM018.
create or replace function jobmaster.group(group_id bigint)
returns jsonb
language plpgsql stable
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  kept jobmaster.groups;
  answer jsonb;
begin
  select * into kept from jobmaster.groups where id = $1;
  if not found then
    select id, created_at into kept.id, kept.created_at from jobmaster.jobs job where job.id = $1 and job.expands;
    if not found then
      raise exception using errcode = 'JM018', message = jobmaster.unknown_group($1);
    end if;
  end if;
  with counted as (
    select member.status, count(*) as jobs, max(member.finished_at) as last, bool_or(member.finished_at is null) as is_left
    from jobmaster.group_members($1) member
    group by member.status
  ), summed as (
    select
      coalesce(jsonb_object_agg(status, jobs), '{}') as counts,
      coalesce(sum(jobs), 0) as jobs,
      coalesce(sum(jobs) filter (where is_left), 0) as jobs_left,
      coalesce(sum(jobs) filter (where status in ('failed', 'cancelled')), 0) as failures,
      max(last) as last
    from counted
  )
  select jsonb_build_object(
    'id', $1,
    'status', case
      when kept.ended_at is not null then case when kept.failures = 0 then 'completed' else 'failed' end
      when jobs_left > 0 or kept.jobs is not null then 'open'
      when failures > 0 then 'failed'
      else 'completed'
    end,
    'createdAt', kept.created_at,
    'endedAt', case when kept.jobs is not null then kept.ended_at when jobs_left = 0 then last end,
    'counts', counts,
    'total', greatest(jobs, kept.jobs),
    'done', greatest(jobs, kept.jobs) - jobs_left,
    'failure', kept.failure,
    'onComplete', kept.on_complete,
    'onFailed', kept.on_failed
  )
  into answer
  from summed;
  return answer;
end
$fn$;
