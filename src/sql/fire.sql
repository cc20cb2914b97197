-- Inserts the jobs of schedules that are due, and says for which of them more ticks have to be computed.
-- Returns {"schedules": [[id, cron, timezone, catch_up, computed until, now], …], "overdue": boolean}: add_ticks takes what
-- is computed; overdue, when some have no tick to come. Of several ticks that are due, catch_up says which get a job. Where
-- that is the last one, and the last of all may not be computed yet, it is left for when it is.
-- A tick has one job: its schedule's row is locked, passed over where another claim has it, and the unique index of ticks
-- lets each in once. Called before the claim lock, since it may wait for rows. The arguments were checked by deploy.
create or replace function jobmaster.fire(moment timestamptz)
returns jsonb
language plpgsql volatile
as $fn$
declare
  due jobmaster.schedules;
  passed timestamptz[];
  rest timestamptz[];
  fired timestamptz[];
  inserted jsonb;
  asked jsonb := '[]';
  overdue boolean := false;
begin
  for due in
    select *
    from jobmaster.schedules
    where due_at <= moment
    order by id
    for update skip locked
  loop
    passed := array(select tick from unnest(due.coming) tick where tick <= moment order by tick);
    rest := array(select tick from unnest(due.coming) tick where tick > moment order by tick);
    if cardinality(passed) > 0 and (due.catch_up = 'all' or cardinality(rest) > 0) then
      fired := case
        when due.catch_up = 'all' then passed
        when due.catch_up = 'last' or passed[cardinality(passed)] > moment - interval '30 minutes'
        then passed[cardinality(passed):]
        else '{}'
      end;
      with fenced as (
        insert into jobmaster.ticks (schedule_id, tick)
        select due.id, tick
        from unnest(fired) tick
        on conflict do nothing
        returning tick
      )
      select coalesce(array_agg(tick order by tick), '{}') into fired from fenced;
      if cardinality(fired) > 0 then
        select jobmaster.insert_jobs(jsonb_agg(jsonb_build_object(
          'task', task.type_key || '.' || task.task_key, 'args', due.args, 'run_at', tick
        ) order by tick))
        into inserted
        from unnest(fired) tick
        join jobmaster.tasks task on task.id = due.task_id;
        update jobmaster.ticks
        set job_id = (inserted -> 'ids' ->> position::integer - 1)::bigint
        from unnest(fired) with ordinality given (tick, position)
        where ticks.schedule_id = due.id and ticks.tick = given.tick;
        delete from jobmaster.ticks
        where schedule_id = due.id
          and tick < (select tick from jobmaster.ticks where schedule_id = due.id order by tick desc offset 200 limit 1);
      end if;
      update jobmaster.schedules set coming = rest, next_tick = rest[1] where id = due.id;
    end if;
    if due.refill_at <= moment then
      asked := asked || jsonb_build_array(
        jsonb_build_array(due.id, due.cron, due.timezone, due.catch_up, due.computed_until, moment)
      );
      overdue := overdue or cardinality(rest) = 0;
    end if;
  end loop;
  return jsonb_build_object('schedules', asked, 'overdue', overdue);
end
$fn$;
