-- Makes waiting what is due: jobs set for later, and those that have backed off. The earliest first, a bounded number.
create or replace function jobmaster.promote(moment timestamptz)
returns void
language plpgsql volatile
as $fn$
declare
  first_time bigint[];
begin
  with due as (
    update jobmaster.jobs
    set status = 'waiting'
    where id = any (array(
      select id
      from jobmaster.jobs
      where status = 'scheduled' and run_at <= moment
      order by run_at
      limit 1000
      for update skip locked
    ))
    returning id, attempt
  )
  -- From now on dependencies may find those that were set for later.
  select array_agg(id) filter (where attempt = 0) into first_time from due;
  if first_time is not null then
    perform jobmaster.write_keys(first_time);
  end if;
end
$fn$;
