import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from './support/deadline.ts'
import { setup } from './support/jobs.ts'

// Postgres holds at most 256 MB in one jsonb value, and Neon answers at most 64 MB: a batch of 500 jobs could be more.

const count = 262
const longest = 'x'.repeat(1_040_000)

test(
  'jobs whose results are as large as they may be are settled in several statements',
  { timeout: 120_000 },
  async () => {
    const large = task({ params: { n: v.number() }, run: () => longest })
    const { jobs } = await setup({ cool: { large } })
    await jobs.insertMany(Array.from({ length: count }, (_, n) => ({ task: large, args: { n } })))
    const report = await jobs.runUntilEmpty(deadlineIn(100_000), { batchSize: count })
    expect(report).toMatchObject({ completed: count, stopReason: 'empty' })
  },
)

test(
  'jobs whose arguments are as large as they may be are claimed in several statements',
  { timeout: 120_000 },
  async () => {
    const large = task({ params: { text: v.string() }, run: ({ text }) => text.length })
    const { jobs, sql } = await setup({ cool: { large } })
    await sql`
    select jobmaster.enqueue('cool', 'large', json_build_object('text', ${longest}::text))
    from generate_series(1, ${count}::integer)`
    const report = await jobs.runUntilEmpty(deadlineIn(100_000), { batchSize: count })
    expect(report).toMatchObject({ completed: count, stopReason: 'empty' })
  },
)

test(
  'a claim brings no more than a few megabytes, once it is known how large the jobs are',
  { timeout: 120_000 },
  async () => {
    const large = task({ params: { text: v.string() }, run: () => {} })
    const { jobs, sql } = await setup({ cool: { large } })
    await sql`
    select jobmaster.enqueue('cool', 'large', json_build_object('text', ${longest}::text))
    from generate_series(1, 60)`
    const report = await jobs.runUntilEmpty(deadlineIn(100_000), { batchSize: 30 })
    expect(report).toMatchObject({ completed: 60, stopReason: 'empty' })
    // 30 first, and then 7 at a time.
    expect(report.statements).toBe(7)
  },
)
