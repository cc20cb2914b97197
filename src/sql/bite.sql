-- Locks the first jobs, by id, for which a condition of filtered holds, as many as the filter's limit allows: 1,000 when
-- it has none. A row that somebody has locked is passed over, for the next bite. Raises JM008 for a wrong limit.
create or replace function jobmaster.bite(verb text, filter jsonb, condition text)
returns bigint[]
language plpgsql volatile
as $fn$
declare
  at_most integer := 1000;
  job_ids bigint[];
begin
  if filter ->> 'limit' is not null then
    if jsonb_typeof(filter -> 'limit') <> 'number' or (filter ->> 'limit')::numeric not between 1 and 10000 or (filter ->> 'limit')::numeric % 1 <> 0 then
      raise exception using
        errcode = 'JM008',
        column = 'limit',
        message = format('%s: limit must be a whole number from 1 to 10000, got %s', verb, filter ->> 'limit');
    end if;
    at_most := filter ->> 'limit';
  end if;
  execute format(
    'select array(select job.id from %I.jobs job where %s order by job.id limit %s for update skip locked)', 'jobmaster', condition, at_most
  )
  into job_ids;
  return job_ids;
end
$fn$;
