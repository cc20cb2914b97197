-- Notes how many process units a system has, as its invocation says: for the queue view and explain, not for claims.
create or replace function jobmaster.note_system(system_name text, units integer)
returns void
language plpgsql volatile
as $fn$
begin
  if not exists (select from jobmaster.systems where name = system_name and process_units = units) then
    insert into jobmaster.systems (name, process_units)
    values (system_name, units)
    on conflict (name) do update set process_units = excluded.process_units;
  end if;
end
$fn$;
