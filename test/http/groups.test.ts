import { expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import { serve } from './app.ts'
import * as cool from './tasks.ts'

async function served() {
  const { jobs } = await setup({ cool })
  const { ask } = serve(jobs)
  const answer = async (method: string, path: string, body?: unknown) => {
    const response = await ask(method, path, body)
    return { status: response.status, body: await response.json() }
  }
  return { jobs, answer }
}

const foo = (b: number) => ({ task: 'cool.foo', args: { b } })

test('jobs are inserted as a group over HTTP, which is read, and calls a task once it has completed', async () => {
  const { answer } = await served()
  const onComplete = { task: 'cool.bar', args: { b: 1, c: 'x' } }
  const inserted = await answer('POST', '/jobs/batch', { jobs: [foo(1), foo(2)], group: { onComplete } })
  const { id } = inserted.body.group
  expect(inserted).toMatchObject({
    status: 201,
    body: { jobs: [{ groupId: id }, { groupId: id }], group: { onComplete: expect.any(Number), onFailed: null } },
  })
  expect(await answer('GET', `/groups/${id}`)).toMatchObject({
    status: 200,
    body: { id, status: 'open', counts: { waiting: 2, completed: 0 }, total: 2, done: 0, endedAt: null },
  })
  const listed = await answer('GET', `/jobs?group=${id}`)
  expect(listed.body.jobs).toEqual(
    inserted.body.jobs
      .toReversed()
      .map((job: object) => expect.objectContaining({ id: (job as { id: number }).id, groupId: id })),
  )
  expect(await answer('GET', '/jobs?group=x')).toMatchObject({
    status: 422,
    body: { errors: [{ in: 'query', field: 'group' }] },
  })
  expect(await answer('POST', '/drain')).toMatchObject({ body: { completed: 3 } })
  expect(await answer('GET', `/groups/${id}`)).toMatchObject({
    body: { status: 'completed', done: 2, endedAt: expect.stringMatching(/^\d{4}-.*Z$/), failure: null },
  })
})

test('a job is inserted over HTTP that waits for a group, also one without jobs and for the children of an ALL job', async () => {
  const { answer } = await served()
  const all = await answer('POST', '/jobs', { task: 'cool.foo', args: { b: 'ALL' } })
  const empty = await answer('POST', '/jobs/batch', { jobs: [], group: true })
  const after = { groups: [all.body.id, empty.body.group.id], ifFailed: 'run' }
  expect(await answer('POST', '/jobs', { ...foo(1), after })).toMatchObject({
    status: 201,
    body: { status: 'blocked' },
  })
  expect(await answer('POST', '/drain')).toMatchObject({ body: { completed: 4 } })
  expect(await answer('GET', `/groups/${all.body.id}`)).toMatchObject({ body: { status: 'completed', total: 3 } })
})

test('what is wrong with a group is said over HTTP, and where in the body it stands', async () => {
  const { jobs, answer } = await served()
  const wrong = (code: string | undefined, field: string) => ({
    status: 422,
    body: { ...(code && { code }), errors: [{ in: 'body', field }] },
  })
  expect(await answer('GET', '/groups/999')).toMatchObject({
    status: 404,
    body: { code: 'JM018', detail: 'there is no group 999' },
  })
  expect(await answer('GET', '/groups/x')).toMatchObject({
    status: 422,
    body: { errors: [{ in: 'path', field: 'id' }] },
  })
  expect(await answer('POST', '/jobs', { ...foo(1), after: 999 })).toMatchObject(wrong('JM018', 'after'))
  expect(await answer('POST', '/jobs', { ...foo(1), after: 'x' })).toMatchObject(wrong(undefined, 'after'))
  const second = { jobs: [foo(1), { ...foo(1), after: [999] }] }
  expect(await answer('POST', '/jobs/batch', second)).toMatchObject(wrong('JM018', 'jobs.1.after'))
  const batch = (group: unknown) => answer('POST', '/jobs/batch', { jobs: [foo(1)], group })
  const onFailed = { task: 'cool.bar', args: { b: 9, c: 'x' } }
  expect(await batch({ onFailed })).toMatchObject(wrong('JM004', 'group.onFailed.args.b'))
  expect(await batch({ onComplete: { task: 'cool.none' } })).toMatchObject(wrong('JM001', 'group.onComplete.task'))
  expect(await batch(false)).toMatchObject(wrong(undefined, 'group'))
  expect(await answer('POST', '/jobs/batch', { jobs: [] })).toMatchObject(wrong(undefined, 'jobs'))
  expect((await jobs.list()).jobs).toEqual([])
})
