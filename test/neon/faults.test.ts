import { JobMasterError, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import type { Fault } from '../support/neon.ts'
import { openNeon } from './open.ts'

const overHttp = ['neon-http', 'neon-fetch'] as const
const statuses = [429, 500, 503] as const
const soon = () => new Date(Date.now() + 10_000)

describe.each(statuses.flatMap((status) => overHttp.map((mode) => [mode, status] as const)))(
  'over %s, where Neon answers %i',
  (mode, status) => {
    test.each<[string, Fault[]]>([
      ['once, before anything was run', [{ status }]],
      ['once, and the answer of what was run is lost', [{ status, run: true }]],
      ['three times in a row', [{ status }, { status, run: true }, { status }]],
    ])('%s, the drain sends the call again, and each job is run once', async (_, faults) => {
      const { database, jobs, sql, ran } = await prepared(mode)
      // The first call claims, the second settles and claims: both meet it.
      database.fail(...faults)
      const report = await jobs.runUntilEmpty(soon(), {
        batchSize: 10,
        onJob: ({ id }) => id === 10 && database.fail(...faults),
      })
      expect(report).toMatchObject({ completed: 20, refused: 0, stopReason: 'empty' })
      expect(ran.toSorted((one, other) => one - other)).toEqual(args)
      expect(await sql`select status, attempt, count(*) from jobmaster.jobs group by 1, 2`).toEqual([
        { status: 'completed', attempt: 1, count: 20 },
      ])
    })

    test('for good, the drain fails and says so, and the next one finds every job', async () => {
      const { database, jobs, sql, clock } = await prepared(mode)
      let broken = false
      const failed = jobs.runUntilEmpty(soon(), {
        batchSize: 10,
        onJob: () => {
          if (!broken) database.fail(...Array.from({ length: 4 }, () => ({ status })))
          broken = true
        },
      })
      const error = await failed.catch((error: unknown) => error)
      expect(error).toBeInstanceOf(JobMasterError)
      expect(error).toMatchObject({
        code: '08001',
        message: expect.stringContaining(`the database cannot be reached: Server error (HTTP status ${status})`),
      })
      await clock.advance({ minutes: 5 })
      expect(await jobs.runUntilEmpty(soon())).toMatchObject({ completed: 10, stopReason: 'empty' })
      expect(await sql`select status, count(*) from jobmaster.jobs group by 1`).toEqual([
        { status: 'completed', count: 20 },
      ])
    })

    test('to an insert, it is not sent again, as it may have been run: the error says so', async () => {
      const { database, jobs, foo } = await prepared(mode)
      database.fail({ status })
      await expect(jobs.insert(foo, { a: 1 })).rejects.toMatchObject({
        code: '08001',
        message: expect.stringContaining('cannot be reached'),
      })
    })
  },
)

const args = Array.from({ length: 20 }, (_, a) => a)

async function prepared(mode: (typeof overHttp)[number]) {
  const ran: number[] = []
  const foo = task({ params: { a: v.number() }, run: ({ a }) => void ran.push(a) })
  const database = await openNeon(mode)
  const made = await setup({ cool: { foo } }, { database })
  await made.jobs.insertMany(args.map((a) => ({ task: foo, args: { a } })))
  return { ...made, database, ran, foo }
}
