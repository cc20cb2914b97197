-- Raises JM013 unless each statement of this transaction sees what was committed before it: what locks first and looks
-- then would else look at the past.
create or replace function jobmaster.read_committed()
returns void
language plpgsql volatile
as $fn$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using
      errcode = 'JM013',
      message = format('JobMaster needs READ COMMITTED, and this transaction is %s', upper(current_setting('transaction_isolation'))),
      hint = 'Set default_transaction_isolation to ''read committed'' for this role, or begin this transaction with that level.';
  end if;
end
$fn$;
