import { task } from 'jobmaster'
import pg from 'pg'
import * as v from 'valibot'
import { expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

// Postgres sends a large answer before it commits. A platform that freezes an invocation, or a network that goes away,
// would so hold the claim lock, of everybody, until TCP gives up: a quarter of an hour, or never.
test(
  'an invocation that is frozen while a large answer is on its way holds up the others for seconds at the most',
  { timeout: 60_000 },
  async () => {
    const large = task({ params: { text: v.string() }, run() {} })
    const small = task({ params: {}, run() {} })
    const { jobs, url, sql } = await setup({ cool: { large, small } })
    const text = 'x'.repeat(1_000_000)
    await jobs.insertMany(Array.from({ length: 8 }, () => ({ task: large, args: { text }, priority: 1 })))
    await jobs.insert(small, {})
    const frozen = new pg.Client({ connectionString: url, application_name: 'frozen' })
    frozen.on('error', () => {})
    await frozen.connect()
    onTestFinished(() => frozen.end())
    const hashes = await sql`select jsonb_object_agg('cool.' || task_key, hash) as tasks from jobmaster.tasks`
    const request = {
      version: 1,
      invocation: crypto.randomUUID(),
      sequence: 1,
      system: 'default',
      units: 10_000,
      ...hashes[0],
      completed: [],
      outcomes: [],
      limit: 8,
      lease_ms: 60_000,
      time_left_ms: 30_000,
      started: 0,
      held: 0,
      repeat: false,
      since: 0,
      after: null,
      take_back: false,
    }
    frozen.query('select jobmaster.settle_and_claim($1::text::jsonb)', [JSON.stringify(request)]).catch(() => {})
    streamOf(frozen).pause()
    await expect
      .poll(() => sql`select wait_event from pg_stat_activity where application_name = 'frozen'`, { timeout: 10_000 })
      .toEqual([{ wait_event: 'ClientWrite' }])

    expect(await jobs.runUntilEmpty(deadlineIn(30_000))).toMatchObject({ completed: 1 + 8 })
  },
)

function streamOf(client: pg.Client): { pause(): void } {
  const { connection } = client as pg.Client & { connection: { stream: { pause(): void } } }
  return connection.stream
}
