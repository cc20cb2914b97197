import { vValidator } from '@hono/valibot-validator'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getDotPath, type GenericSchema } from 'valibot'
import { Problem } from './problem.ts'

const places = { json: 'body', query: 'query', param: 'path' } as const

/** Validates a part of a request, and refuses it naming each field. */
export function valid<S extends GenericSchema, T extends keyof typeof places>(target: T, schema: S) {
  // It throws, so that what a route answers is what its handler returns.
  return vValidator(target, schema, (result): undefined => {
    if (result.success) return
    const errors = result.issues.map((issue) => ({
      in: places[target],
      field: getDotPath(issue) ?? '',
      detail: issue.message,
    }))
    const [first] = errors
    const detail = first?.field ? `${first.field}: ${first.detail}` : (first?.detail ?? 'refused')
    throw new Problem(422, { detail, errors })
  })
}

/** 1 MiB: as much as the arguments of one job may be. */
const maximumBody = 1_048_576

/** Refuses a body that is too large before it has been read. */
export const limitedBody: MiddlewareHandler = bodyLimit({
  maxSize: maximumBody,
  onError: () =>
    new Problem(413, { detail: `at most ${maximumBody} bytes are taken: send fewer jobs at once` }).response(),
})

/** Refuses a body that does not say that it is JSON. */
export const jsonBody: MiddlewareHandler = async (c, next) => {
  if (!isJson(c.req.header('content-type'))) {
    throw new Problem(415, { detail: 'send JSON, with the header "Content-Type: application/json"' })
  }
  await next()
}

/** The same where a body may be left out. */
export const jsonBodyIfAny: MiddlewareHandler = async (c, next) => {
  if (isJson(c.req.header('content-type')) || (await c.req.text()) === '') return next()
  return jsonBody(c, next)
}

function isJson(type: string | undefined): boolean {
  return /^application\/json *(;|$)/i.test(type ?? '')
}
