import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import type { Sql } from '../support/sql.ts'

export type RoleName = 'jobs_insert' | 'jobs_drain' | 'jobs_app'

const guide = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')

/** What docs/security.md says to run for a role. */
export function documented(role: RoleName, schema = 'jobmaster'): string {
  const blocks = [...guide.matchAll(/```sql\n([^]*?)```/g)].map(([, block = '']) => block)
  const block = blocks.find((text) => text.includes(`create role ${role} `))
  if (!block) throw new Error(`docs/security.md has no block that makes ${role}`)
  const quoted = `"${schema.replaceAll('"', '""')}"`
  // In one pass, as the name itself may hold what is replaced; a function, as it may hold a $.
  return block.replace(/'jobmaster'|\bjobmaster\b/g, (found) =>
    found.startsWith("'") ? `'${quoted.replaceAll("'", "''")}'` : quoted,
  )
}

/** Makes a role as it is documented, under a name of its own, until the test ends. Returns its connection string. */
export async function makeRole(database: { sql: Sql; url: string }, role: RoleName, schema?: string): Promise<string> {
  const { sql, url } = database
  const name = `${role}_${randomBytes(4).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  await sql(
    documented(role, schema)
      .replaceAll(role, name)
      .replace(/password '[^']*'/, `password '${password}'`),
  )
  onTestFinished(async () => {
    await sql(`drop owned by ${name} cascade; drop role ${name}`)
  })
  const own = new URL(url)
  own.username = name
  own.password = password
  return own.href
}
