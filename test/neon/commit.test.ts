import { describe, expect, test } from 'vitest'
import { payingTasks, receiptsTable } from '../concurrency/paying.ts'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'
import { openNeon } from './open.ts'

describe.each(['neon-http', 'neon-fetch'] as const)('over %s', (mode) => {
  test.each([
    [500, false],
    [500, true],
    [503, true],
  ] as const)('a commit that Neon answers %i to, run: %s, is written once', async (status, run) => {
    const database = await openNeon(mode)
    const { jobs, sql, clock } = await setup(
      payingTasks((where) => {
        if (where === 'before') database.fail({ status, run })
      }),
      { database },
    )
    await sql(receiptsTable)
    const job = await jobs.insert('shop.pay', { n: 1 })
    const report = await jobs.runUntilEmpty(deadlineIn())
    // Where it was run its answer was lost: the handler's throw does not undo it.
    expect(report).toMatchObject(run ? { completed: 1, retried: 0 } : { completed: 0, retried: 1 })
    expect(await sql`select from receipts`).toHaveLength(run ? 1 : 0)
    if (run) return
    const healthy = await setup(
      payingTasks(() => {}),
      { database, deploy: false },
    )
    await clock.advance({ minutes: 1 })
    await healthy.jobs.runUntilEmpty(deadlineIn())
    expect(await sql`select n from receipts`).toEqual([{ n: 1 }])
    expect(await jobs.get(job.id)).toMatchObject({ status: 'completed', attempt: 2 })
  })
})
