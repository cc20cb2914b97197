import type { Client } from 'pg'
import { settleDown } from './place.ts'

/** What a case fills once and finds again before each run. */
const tables = ['jobs', 'job_keys', 'completions']

/** Keeps what JobMaster's tables hold now. */
export async function keep(beside: Client): Promise<void> {
  for (const table of tables) await beside.query(`create table kept_${table} as select * from jobmaster.${table}`)
}

/** Puts it back, due since now. */
export async function putBack(beside: Client): Promise<void> {
  await beside.query(
    `truncate jobmaster.blockers, jobmaster.attempts, ${tables.map((table) => `jobmaster.${table}`).join(', ')}`,
  )
  for (const table of tables) {
    const { rows } = await beside.query<{ name: string }>(
      `select column_name as name
      from information_schema.columns
      where table_schema = 'jobmaster' and table_name = $1 and is_generated = 'NEVER'`,
      [table],
    )
    const names = rows.map(({ name }) => name)
    const values = names.map((name) => (name === 'run_at' || name === 'created_at' ? 'now()' : name))
    await beside.query(
      `insert into jobmaster.${table} (${names.join(', ')}) overriding system value
      select ${values.join(', ')} from kept_${table} order by 1`,
    )
  }
  await settleDown(beside)
}
