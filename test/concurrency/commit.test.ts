import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { neonServer } from '../support/drivers.ts'
import { setup } from '../support/jobs.ts'
import { forkProgram } from '../support/program.ts'
import { payingTasks, receiptsTable } from './paying.ts'

// begin, fence, the insert, complete, commit
const statements = [1, 2, 3, 4, 5].flatMap((number) => [`before ${number}`, `sent ${number}`])
const places: [driver: string, place: string][] = [
  ...['before', ...statements, 'after'].map((place): [string, string] => ['node-postgres', place]),
  ...['before', 'before 1', 'sent 1', 'after'].map((place): [string, string] => ['neon-http', place]),
]

test.each(places)(
  'over %s, a process killed at "%s" of its commit leaves one receipt in the end',
  async (driver, place) => {
    const { jobs, sql, url, clock } = await setup(payingTasks(() => {}))
    await sql(receiptsTable)
    const job = await jobs.insert('shop.pay', { n: 1 })
    const endpoint = driver === 'neon-http' ? (await neonServer()).fetchEndpoint : undefined
    await killedAt({ url, place, endpoint })
    await until(async () => (await sql`select from pg_stat_activity where application_name = 'payer'`).length === 0)

    const committed = place === 'after' || place === 'sent 5' || (driver === 'neon-http' && place === 'sent 1')
    expect(await sql`select by from receipts`).toEqual(committed ? [{ by: 'attempt 1' }] : [])
    expect(await jobs.get(job.id)).toMatchObject({ status: committed ? 'completed' : 'running', attempt: 1 })

    await clock.advance({ minutes: 5 })
    expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: committed ? 0 : 1 })
    expect(await sql`select n, by from receipts`).toEqual([{ n: 1, by: committed ? 'attempt 1' : 'attempt 2' }])
    expect(await jobs.get(job.id)).toMatchObject({ status: 'completed' })
  },
)

test('an attempt that commits while its lease is taken back writes nothing, or the job is not run again', async () => {
  // Each of twenty jobs is committed by one invocation at the very moment at which another takes its lease back.
  const { jobs, sql, database, clock } = await setup(payingTasks(() => {}))
  await sql(receiptsTable)
  const committing = Promise.withResolvers<void>()
  const slow = payingTasks((where) => (where === 'before' ? committing.promise : undefined))
  const first = await setup(slow, { database, deploy: false })
  await jobs.insertMany(Array.from({ length: 20 }, (_, n) => ({ task: 'shop.pay', args: { n } })))
  const early = first.jobs.runUntilEmpty(deadlineIn(), { concurrency: 20 })
  await until(async () => (await jobs.status()).jobs.running === 20)
  await clock.advance({ minutes: 5 })
  const late = jobs.runUntilEmpty(deadlineIn())
  committing.resolve()
  const reports = [await early, await late, await jobs.runUntilEmpty(deadlineIn())]
  expect(reports.reduce((sum, { completed }) => sum + completed, 0)).toBe(20)
  expect(await sql`select n, count(*)::integer from receipts group by n having count(*) <> 1`).toEqual([])
  expect(await sql`select from receipts`).toHaveLength(20)
})

/** Starts a process, and kills it where it says that it is. */
async function killedAt(what: { url: string; place: string; endpoint: string | undefined }): Promise<void> {
  const child = await forkProgram(new URL('payer.ts', import.meta.url), [JSON.stringify(what)])
  onTestFinished(() => void child.kill('SIGKILL'))
  const gone = once(child, 'exit')
  const [word] = await Promise.race([once(child, 'message'), gone])
  if (word !== 'there') throw new Error(`the process did not come to "${what.place}": ${word}`)
  child.kill('SIGKILL')
  await gone
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5)
}
