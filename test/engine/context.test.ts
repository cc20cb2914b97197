import { task } from 'jobmaster'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { deadlineIn } from '../support/deadline.ts'
import { setup } from '../support/jobs.ts'

const other = task({ params: { n: v.number() }, run: ({ n }) => n })
const taking = task({
  params: { n: v.number() },
  async run({ n }, { job, deadline, signal, insert, progress, log, waitUntil, dependencies }) {
    progress(0.5, 'half')
    log('a line', { n })
    waitUntil(Promise.resolve())
    const { id } = await insert(other, { n })
    return {
      job: job.task,
      late: deadline.getTime() < Date.now(),
      aborted: signal.aborted,
      id,
      met: dependencies.of(other).length,
    }
  },
})

test('what a handler takes out of its context works by itself', async () => {
  const { jobs } = await setup({ cool: { taking, other } })
  const { id } = await jobs.insert('cool.taking', { n: 7 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 2 })
  const done = await jobs.get(id)
  expect(done?.result).toEqual({ job: 'cool.taking', late: false, aborted: false, id: id + 1, met: 0 })
  expect(done?.progress).toMatchObject({ value: 0.5, message: 'half' })
  expect((await jobs.log(id)).map(({ message }) => message)).toEqual(['a line {"n":7}'])
  expect((await jobs.get(id + 1))?.result).toBe(7)
})
