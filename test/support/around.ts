import type { SQL } from 'drizzle-orm'
import type { OpenDatabase } from './open.ts'

/** The same database, each of whose statements is sent by `send`, which may fail before or after it. */
export function around(
  database: OpenDatabase,
  send: (execute: () => Promise<unknown>) => Promise<unknown>,
): OpenDatabase {
  const db = new Proxy(database.db, {
    get(target, name) {
      if (name === 'execute') return (query: SQL) => send(async () => target.execute(query))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...database, db }
}
