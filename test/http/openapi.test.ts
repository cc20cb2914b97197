import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import { serve } from './app.ts'
import * as cool from './tasks.ts'

test('the OpenAPI document is valid, and names every route', async () => {
  const { jobs } = await setup({ cool })
  const { ask } = serve(jobs)
  const document = await (await ask('GET', '/openapi.json')).json()
  expect(await new Validator().validate(document)).toMatchObject({ valid: true })
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/drain', '/jobs', '/jobs/batch', '/jobs/{id}', '/tasks', '/graph', '/status', '/health']),
  )
})

test('a job is inserted, drained and read over HTTP', async () => {
  const { jobs } = await setup({ cool })
  const { ask } = serve(jobs)
  const inserted = await ask('POST', '/jobs', { task: 'cool.foo', args: { a: 1, b: 2 } })
  expect(inserted.status).toBe(201)
  const { id } = await inserted.json()
  expect(await (await ask('POST', '/drain')).json()).toMatchObject({ completed: 1, stopReason: 'empty' })
  expect(await (await ask('GET', `/jobs/${id}`)).json()).toMatchObject({ status: 'completed', result: { sum: 3 } })
})
