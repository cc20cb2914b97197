import { neonConfig } from '@neondatabase/serverless'
import { sql } from 'drizzle-orm'
import { createJobMaster, JobMasterError, task } from 'jobmaster'
import * as v from 'valibot'
import { describe, expect, onTestFinished, test } from 'vitest'
import { query, transact } from '../../src/database.ts'
import { setup } from '../support/jobs.ts'
import { connectNeon, modes, newDatabase, openNeon } from './open.ts'

const cool = { foo: task({ params: { a: v.number() }, run: ({ a }) => ({ a }) }) }

describe.each(modes)('over %s', (mode) => {
  test.each([
    ['42601', 'selekt 1'],
    ['42P01', 'select from nowhere'],
    ['22012', 'select 1 / 0'],
    ['23505', 'insert into once values (1), (1)'],
    ['JM042', `do $$ begin raise exception 'ours' using errcode = 'JM042'; end $$`],
  ])('an error keeps its SQLSTATE, %s, alone and in a transaction', async (code, statement) => {
    const { db, sql: beside } = await openNeon(mode)
    await beside`create table once (a integer primary key)`
    const failed = await Promise.all([
      query(db, sql.raw(statement)).catch((error: unknown) => error),
      transact(db, [sql`select 1`, sql.raw(statement)]).catch((error: unknown) => error),
    ])
    for (const error of failed) {
      expect(error).toBeInstanceOf(JobMasterError)
      expect(error).toMatchObject({ code, cause: { code } })
    }
  })

  test('a refused insert says why, with its SQLSTATE', async () => {
    const { jobs } = await setup({ cool }, { database: await openNeon(mode) })
    const refused = await jobs.insert('cool.foo', { a: 'one' }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'JM004', message: 'cool.foo: "a" must be a number, got string' })
  })

  test('a transaction that failed has written nothing', async () => {
    const { db, sql: beside } = await openNeon(mode)
    await beside`create table kept (a integer)`
    await expect(transact(db, [sql`insert into kept values (1)`, sql`select 1 / 0`])).rejects.toThrow(
      'division by zero',
    )
    expect(await beside`select * from kept`).toEqual([])
  })

  test('an unknown database is named as such', async () => {
    const { url } = await newDatabase()
    const elsewhere = await connectNeon(mode, url.replace(/test_\w+$/, 'nowhere'))
    onTestFinished(() => elsewhere.close())
    const jobs = createJobMaster({ db: elsewhere.db, tasks: { cool } })
    const error = await jobs.status().catch((error: unknown) => error)
    expect(error).toMatchObject({
      code: '3D000',
      message: expect.stringContaining('database "nowhere" does not exist'),
    })
  })

  test('a server that does not answer is said to be out of reach', async () => {
    const { db } = await openNeon(mode)
    const { fetchEndpoint, wsProxy } = neonConfig
    onTestFinished(() => void Object.assign(neonConfig, { fetchEndpoint, wsProxy }))
    // Port 9 discards, where anything listens at it at all.
    Object.assign(neonConfig, { fetchEndpoint: 'http://127.0.0.1:9/sql', wsProxy: '127.0.0.1:9/v2' })
    const error = await query(db, sql`select 1`).catch((error: unknown) => error)
    expect(error).toMatchObject({ message: expect.stringMatching(/^the database cannot be reached: ./) })
    expect(error).toMatchObject({ message: expect.not.stringContaining('[object') })
  })
})
