import { sql, type SQLWrapper } from 'drizzle-orm'
import { hasFunction, transact } from './database.ts'
import { JobMasterError } from './errors.ts'
import type { ClaimedJob, Queue } from './queue.ts'

/**
 * Writes a handler's queries in the one transaction that completes its job, or none of them. Imported when the first
 * handler commits: an invocation without one does not bring it.
 * @throws JobMasterError JM016 when the attempt is over, JM008 for what is no query, else what a query failed with.
 */
export async function commit(
  { db, schema }: Queue,
  invocation: string,
  [id, name, attempt]: ClaimedJob,
  queries: readonly SQLWrapper[],
): Promise<void> {
  const wrong = queries.findIndex((one: unknown) => !hasFunction(one, 'getSQL'))
  if (wrong >= 0) {
    throw new JobMasterError(
      'JM008',
      `${name}: ctx.commit takes Drizzle queries, and number ${wrong + 1} is none: give db.insert(…).values(…) or sql\`…\` without await`,
    )
  }
  const functions = sql.identifier(schema)
  const mine = sql`(${id}::bigint, ${attempt}::integer, ${invocation}::uuid)`
  await transact(db, [sql`select ${functions}.fence${mine}`, ...queries, sql`select ${functions}.complete${mine}`])
}
