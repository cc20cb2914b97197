-- What makes a job unique, by the rule of its task and what was said at the insert, which goes first.
-- mode: 'waiting', 'active' or 'within'; null for a job that need not be. within, debounce: in seconds. key: a text that was
-- given, else the arguments that the task names, else all of them. problem, and option, its name: what is wrong with the
-- rule; null where nothing is. Reads no tables.
create or replace function jobmaster.unique_wish(
  task jobmaster.tasks,
  item jsonb,
  args jsonb,
  out mode text,
  out within double precision,
  out debounce double precision,
  out key jsonb,
  out problem text,
  out option text
)
language plpgsql immutable
as $fn$
declare
  longest constant double precision := 31536000;
  rule jsonb := coalesce(task.unique_rule, '{}') || coalesce(
    (select jsonb_object_agg(given.key, given.value) from jsonb_each(item) given where given.key in ('unique', 'unique_key', 'debounce_seconds')),
    '{}'
  );
  wish jsonb := rule -> 'unique';
begin
  if rule = '{}' or wish = 'false' then
    return;
  end if;

  if rule ? 'debounce_seconds' then
    debounce := case when jsonb_typeof(rule -> 'debounce_seconds') = 'number' then rule -> 'debounce_seconds' end;
    if debounce is null or debounce <= 0 or debounce > longest then
      option := 'debounceSeconds';
      problem := format('debounceSeconds must be a number above 0, at most %s, got %s', longest, jobmaster.shown(rule -> 'debounce_seconds'));
      return;
    end if;
  end if;
  if rule ? 'unique_key' and (jsonb_typeof(rule -> 'unique_key') <> 'string' or char_length(rule ->> 'unique_key') not between 1 and 500) then
    option := 'uniqueKey';
    problem := format('uniqueKey must be a text of 1 to 500 characters, got %s', jobmaster.shown(rule -> 'unique_key'));
    return;
  end if;

  if jsonb_typeof(wish) = 'object' and wish - 'withinSeconds' = '{}' then
    mode := 'within';
    within := case when jsonb_typeof(wish -> 'withinSeconds') = 'number' then wish -> 'withinSeconds' end;
    if within is null or within <= 0 or within > longest then
      option := 'unique';
      problem := format('withinSeconds must be a number above 0, at most %s, got %s', longest, jobmaster.shown(wish -> 'withinSeconds'));
      return;
    end if;
  elsif wish is null then
    mode := case when debounce is null then 'active' else 'waiting' end;
  elsif wish in ('"waiting"', '"active"') then
    mode := wish ->> 0;
  else
    option := 'unique';
    problem := format('unique must be "waiting", "active" or {"withinSeconds": …}, got %s', jobmaster.shown(wish));
    return;
  end if;

  if debounce is not null and mode <> 'waiting' then
    option := 'debounceSeconds';
    problem := format('debounceSeconds moves a job that waits: it goes with unique "waiting", got %s', jobmaster.shown(wish));
  elsif debounce is not null and item ->> 'run_at' is not null then
    option := 'debounceSeconds';
    problem := 'debounceSeconds says when the job may start: give it or a time (runAt), not both';
  end if;
  key := case
    when rule ? 'unique_key' then rule -> 'unique_key'
    when rule ? 'unique_params'
    then jobmaster.shape_key(array(select jsonb_array_elements_text(rule -> 'unique_params')), args)
    else args
  end;
end
$fn$;
