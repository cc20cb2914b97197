import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { setup } from '../support/jobs.ts'
import { serve } from './app.ts'
import * as cool from './tasks.ts'

test('the OpenAPI document is valid, and has every route that there is and no other', async () => {
  const { jobs } = await setup({ cool })
  const { app, ask } = serve(jobs)
  const document = await (await ask('GET', '/openapi.json')).json()
  expect(await new Validator().validate(document)).toMatchObject({ valid: true })
  const named = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/, ':$1')}`),
  )
  const served = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
  expect(named.toSorted()).toEqual([...new Set(served)].toSorted())
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
