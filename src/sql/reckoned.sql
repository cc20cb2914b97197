-- What an argument that a dependency looks at has to be, from the argument that its rule names: as it is, or by arithmetic.
-- Null where there is none: a number divided by nothing, or what is no number, has no value.
create or replace function jobmaster.reckoned(given jsonb, op text, operand numeric)
returns jsonb
language sql immutable
as $fn$
  select case
    when op is null then given
    -- By way of text, since to_jsonb is not immutable, and would keep this from being written in the place of its call.
    when jsonb_typeof(given) = 'number' then trim_scale(case op
      when 'plus' then given::numeric + operand
      when 'minus' then given::numeric - operand
      when 'times' then given::numeric * operand
      when 'dividedBy' then given::numeric / nullif(operand, 0)
    end)::text::jsonb
  end
$fn$;
