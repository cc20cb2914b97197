import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { around } from './support/around.ts'
import { deadlineIn } from './support/deadline.ts'
import { setup } from './support/jobs.ts'

const median = (times: number[]) => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)]!

test(
  '10,000 short jobs are drained by one runUntilEmpty, without a growing batch time',
  { timeout: 90_000 },
  async () => {
    const short = task({ params: { n: v.number() }, run: ({ n }) => ({ n }) })
    const cool = { short }
    const first = await setup({ cool })
    const times: number[] = []
    const database = around(first.database, async (execute) => {
      const sentAt = performance.now()
      const answer = await execute()
      times.push(performance.now() - sentAt)
      return answer
    })
    const { jobs } = await setup({ cool }, { database, deploy: false })
    for (let n = 0; n < 10_000; n += 1_000) {
      await first.jobs.insertMany(
        Array.from({ length: 1_000 }, (_, index) => ({ task: short, args: { n: n + index } })),
      )
    }
    const report = await jobs.runUntilEmpty(deadlineIn(80_000), { batchSize: 100 })
    expect(report).toMatchObject({ completed: 10_000, stopReason: 'empty', remaining: 0 })
    // One more where two are on their way at once.
    expect(report.statements - 101).toBeOneOf([0, 1])
    expect(report.jobs).toHaveLength(1_000)
    expect((await jobs.status()).jobs.completed).toBe(10_000)
    // The first call settles nothing, and the last claims nothing.
    const full = times.slice(1, -1)
    const quarter = Math.floor(full.length / 4)
    const [early, late] = [median(full.slice(0, quarter)), median(full.slice(-quarter))]
    console.log(`10,000 jobs: ${early.toFixed(1)} ms a batch of 100 at first, ${late.toFixed(1)} ms at last`)
    expect(late).toBeLessThan(early * 3 + 2)
  },
)
