/**
 * A statement of ours, as it is for a schema of that name. The files say `jobmaster.`, `"jobmaster"` and `'jobmaster'`,
 * so that they are valid SQL as they stand.
 */
export function inSchema(statement: string, schema: string): string {
  const quoted = `"${schema.replaceAll('"', '""')}"`
  const literal = `'${schema.replaceAll("'", "''")}'`
  // A name that held the quote of a function's body would end it.
  let tag = '$fn$'
  while (schema.includes(tag)) tag = `${tag.slice(0, -1)}_$`
  const replacements: Record<string, string> = {
    $fn$: tag,
    "'jobmaster'": literal,
    // Within a string, as in nextval('jobmaster.claims').
    "'jobmaster.": `'${quoted.replaceAll("'", "''")}.`,
    'jobmaster.': `${quoted}.`,
    '"jobmaster"': quoted,
  }
  // In one pass: the name itself may contain what is replaced.
  return statement.replace(
    /\$fn\$|'jobmaster'|'jobmaster\.|\bjobmaster\.|"jobmaster"(?=[.;\s]|$)/g,
    (found) => replacements[found] ?? found,
  )
}

/** Why a schema cannot have that name, if so. */
export function schemaNameProblem(schema: string): string[] {
  const name = JSON.stringify(schema)
  if (typeof schema !== 'string' || schema === '') return ['schema: the name must be a text that is not empty']
  if (schema.includes('\u0000') || !schema.isWellFormed())
    return [`schema ${name}: Postgres takes no such character in a name`]
  if (new TextEncoder().encode(schema).length > 63)
    return [`schema ${name}: Postgres cuts a name after 63 bytes; use a shorter one`]
  if (/^pg_/i.test(schema) || ['public', 'information_schema'].includes(schema)) {
    return [`schema ${name}: it is not JobMaster's own; use a schema of its own, such as "jobmaster"`]
  }
  return []
}
