-- The answer of cancel, retry and delete by filter: how many jobs, and whether a condition of filtered holds for more.
create or replace function jobmaster.bitten(jobs integer, condition text)
returns jsonb
language plpgsql volatile
as $fn$
declare
  more boolean;
begin
  execute format('select exists (select from %I.jobs job where %s)', 'jobmaster', condition) into more;
  return jsonb_build_object('jobs', jobs, 'more', more);
end
$fn$;
