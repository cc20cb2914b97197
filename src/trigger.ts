import { sql } from 'drizzle-orm'
import { query } from './database.ts'
import type { Queue } from './queue.ts'

/** Whether a signed request may be acted on: once, and not long after the time that it carries. */
export async function recordSignature(
  { db, schema }: Queue,
  signature: string,
  signedAt: Date,
): Promise<'recorded' | 'replayed' | 'expired'> {
  const [row] = await query(
    db,
    sql`select ${sql.identifier(schema)}.record_signature(${signature}::text, ${signedAt.toISOString()}::timestamptz) as answer`,
  )
  // One of the function's three answers.
  return row?.answer as 'recorded' | 'replayed' | 'expired'
}

/** Whose jobs `room` looks at: the system and its process units, and the hashes of the tasks that its code has. */
export interface Roomy {
  system: string
  units: number
  hashes: Readonly<Record<string, string>>
}

/** How many of the jobs that wait more invocations could run at once now, at most so many. */
export async function room({ db, schema }: Queue, { system, units, hashes }: Roomy, most: number): Promise<number> {
  const tasks = JSON.stringify(hashes)
  const [row] = await query(
    db,
    sql`select ${sql.identifier(schema)}.room(${system}::text, ${units}::integer, ${tasks}::text::jsonb, ${most}::integer) as answer`,
  )
  return Number(row?.answer)
}
