-- Takes note of the signature of a request, made at a time that it carries, and says whether it may be acted on:
-- `recorded`; `replayed`, it was here before; `expired`, that time is more than five minutes ago, or as far ahead.
-- It is kept as long as it would pass, so that it passes once. Also forgets some that would not pass any more.
-- Two at once with the same signature: the second waits for the first one's row, and finds it replayed. What it forgets
-- it locks with skip locked.
create or replace function jobmaster.record_signature(given text, signed_at timestamptz)
returns text
language plpgsql volatile
security definer
set search_path = pg_catalog, pg_temp
as $fn$
declare
  moment timestamptz := jobmaster.clock();
begin
  if signed_at is null or signed_at not between moment - interval '5 minutes' and moment + interval '5 minutes' then
    return 'expired';
  end if;
  delete from jobmaster.signatures
  where signature = any (array(
    select signature
    from jobmaster.signatures
    where expires_at < moment
    order by expires_at
    limit 100
    for update skip locked
  ));
  insert into jobmaster.signatures (signature, expires_at)
  values (given, signed_at + interval '5 minutes')
  on conflict do nothing;
  return case when found then 'recorded' else 'replayed' end;
end
$fn$;
