-- Takes in the ticks that an invocation has computed for schedules: [[id, cron, timezone, computed until, [tick, …]], …], as
-- fire asked for them. Those of a schedule that was changed meanwhile, or that another invocation has computed, are passed
-- over. Waits for the schedules' rows, in id order.
create or replace function jobmaster.add_ticks(given jsonb)
returns void
language plpgsql volatile
as $fn$
declare
  one record;
  ahead timestamptz[];
begin
  for one in
    select schedule.id, schedule.coming, schedule.computed_until, value -> 4 as ticks
    from jsonb_array_elements(given)
    join jobmaster.schedules schedule
      on schedule.id = (value ->> 0)::integer
      and schedule.cron = value ->> 1
      and schedule.timezone = value ->> 2
      and schedule.computed_until = (value ->> 3)::timestamptz
    order by schedule.id
    for update of schedule
  loop
    ahead := one.coming || array(
      select distinct tick::timestamptz
      from jsonb_array_elements_text(one.ticks) tick
      where tick::timestamptz > one.computed_until
      order by 1
      limit 200
    );
    update jobmaster.schedules
    set coming = ahead,
      next_tick = ahead[1],
      refill_at = ahead[(cardinality(ahead) + 1) / 2],
      computed_until = ahead[cardinality(ahead)]
    where id = one.id and cardinality(ahead) > cardinality(one.coming);
  end loop;
end
$fn$;
