-- Writes since when a schedule is paused, or null; returns it. One that was paused and is resumed has missed nothing: its
-- ticks until now are dropped. Raises JM017 where there is no such schedule. Waits for its row.
create or replace function jobmaster.set_schedule_paused(of_schedule text, since timestamptz)
returns timestamptz
language plpgsql volatile
as $fn$
declare
  moment timestamptz := jobmaster.clock();
begin
  update jobmaster.schedules schedule
  set paused_at = case when since is not null then coalesce(paused_at, since) end,
    (coming, next_tick, refill_at, computed_until) = (
      select
        coalesce(array_agg(tick order by tick) filter (where kept), '{}'),
        min(tick) filter (where kept),
        case when bool_or(kept) then schedule.refill_at else moment end,
        case when bool_or(kept) then schedule.computed_until else moment end
      from unnest(schedule.coming) tick
      cross join lateral (
        select since is not null or schedule.paused_at is null or tick > moment as kept
      ) judged
    )
  where type_key || '.' || schedule_key = of_schedule
  returning paused_at into since;
  if not found then
    raise exception using
      errcode = 'JM017',
      message = format('unknown schedule %s (%s)', of_schedule, coalesce(
        (select 'known: ' || string_agg(type_key || '.' || schedule_key, ', ' order by type_key, schedule_key) from jobmaster.schedules),
        'none is deployed'
      ));
  end if;
  return since;
end
$fn$;
