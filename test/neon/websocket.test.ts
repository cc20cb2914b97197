import { createJobMaster, task } from 'jobmaster'
import { fromEnv } from 'jobmaster/from-env'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { atNeon, newDatabase, openNeon } from './open.ts'
import { setup } from '../support/jobs.ts'

const cool = { foo: task({ params: { a: v.number() }, run: ({ a }) => ({ a }) }) }
const soon = () => new Date(Date.now() + 10_000)

test('a pool opens and closes within one invocation', async () => {
  const { url, sockets } = await newDatabase()
  const invocation = async (work: (jobs: ReturnType<typeof createJobMaster>) => Promise<unknown>) => {
    const { db, close } = await fromEnv({ DATABASE_URL: atNeon(url) }, { neon: 'websocket', log: () => {} })
    expect(sockets()).toBe(0)
    const jobs = createJobMaster({ db, close, tasks: { cool } })
    await work(jobs)
    expect(sockets()).toBeGreaterThan(0)
    await jobs.close()
    await expect.poll(sockets).toBe(0)
  }
  await invocation((jobs) => jobs.deploy())
  await invocation((jobs) => jobs.insert(cool.foo, { a: 1 }))
  await invocation(async (jobs) => expect(await jobs.runUntilEmpty(soon())).toMatchObject({ completed: 1 }))
})

test('a pool that nobody asked for anything opens no socket', async () => {
  const { url, sockets } = await newDatabase()
  const { close } = await fromEnv({ DATABASE_URL: atNeon(url) }, { neon: 'websocket', log: () => {} })
  expect(sockets()).toBe(0)
  await close()
  await close()
})

test('where a WebSocket breaks, the drain goes on over another, and each job is run once', async () => {
  const ran: number[] = []
  const database = await openNeon('neon-websocket')
  const foo = task({
    params: { a: v.number() },
    run: ({ a }) => {
      if (a === 5) database.cutSockets()
      ran.push(a)
    },
  })
  const { jobs, sql } = await setup({ cool: { foo } }, { database })
  await jobs.insertMany(Array.from({ length: 20 }, (_, a) => ({ task: foo, args: { a } })))
  const report = await jobs.runUntilEmpty(soon(), { batchSize: 10 })
  expect(report).toMatchObject({ completed: 20, stopReason: 'empty' })
  expect(ran.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, a) => a))
  expect(await sql`select count(*) from jobmaster.jobs where status = 'completed' and attempt = 1`).toEqual([
    { count: 20 },
  ])
})
