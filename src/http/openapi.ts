import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema'
import type { GenericSchema } from 'valibot'
import * as answers from './answers.ts'
import { type ProblemStatus, titles } from './problem.ts'
import * as schemas from './schemas.ts'

interface Operation {
  summary: string
  query?: GenericSchema
  body?: GenericSchema
  /** By status. */
  answers: Record<number, keyof typeof answers>
  problems: readonly ProblemStatus[]
  security?: readonly (keyof typeof securitySchemes)[]
  /** Of its answer, where it is not JSON. */
  type?: 'text/plain'
  /** Where server-sent events may be asked for. */
  stream?: true
}

const asked = [401, 422, 500, 503] as const
const sent = [400, 401, 413, 415, 422, 500, 503] as const
const found = [401, 404, 422, 500, 503] as const
const changed = [401, 404, 409, 413, 422, 500, 503] as const
const named = [401, 404, 413, 422, 500, 503] as const
const read = [401, 500, 503] as const
const drains = ['cronSecret', 'signature'] as const

const drain = {
  query: schemas.drainQuery,
  answers: { 200: 'report', 202: 'accepted' },
  security: drains,
  stream: true,
} as const

const byFilter = { body: schemas.filterBody, answers: { 200: 'bite' }, problems: sent } as const

/** What is at which path, as it is in app.ts: a test compares them. */
const paths: Record<string, Record<string, Operation>> = {
  '/health': {
    get: {
      summary: 'Whether the app answers. Asks the database nothing.',
      answers: { 200: 'health' },
      problems: [],
      security: [],
    },
  },
  '/drain': {
    get: { ...drain, summary: 'Runs jobs until none is left that may run now, or time is up.', problems: asked },
    post: { ...drain, summary: 'The same, with its options in the body.', body: schemas.drainBody, problems: sent },
  },
  '/jobs': {
    get: { summary: 'Jobs, the newest first.', query: schemas.listQuery, answers: { 200: 'jobList' }, problems: asked },
    post: {
      summary: 'Inserts a job, or answers 200 with the one that it would be the same as; with "drain" runs it at once.',
      body: schemas.insertBody,
      answers: { 200: 'insertedJob', 201: 'insertedJob' },
      problems: sent,
    },
  },
  '/jobs/batch': {
    post: {
      summary: 'Inserts jobs, all or none; with "group" as one, which may call a task once it has ended.',
      body: schemas.batchBody,
      answers: { 201: 'jobBatch' },
      problems: sent,
    },
  },
  '/jobs/cancel': { post: { summary: 'Cancels the jobs of a filter, a bite at a time.', ...byFilter } },
  '/jobs/retry': { post: { summary: 'Makes the failed jobs of a filter wait again, a bite at a time.', ...byFilter } },
  '/jobs/delete': { post: { summary: 'Deletes the finished jobs of a filter, a bite at a time.', ...byFilter } },
  '/jobs/{id}': { get: { summary: 'A job.', answers: { 200: 'job' }, problems: found } },
  '/jobs/{id}/attempts': {
    get: { summary: 'The attempts of a job, with their errors.', answers: { 200: 'attempts' }, problems: found },
  },
  '/jobs/{id}/log': {
    get: { summary: 'What the handler of a job logged.', answers: { 200: 'log' }, problems: found },
  },
  '/jobs/{id}/explain': {
    get: { summary: 'Why a job does not run, or what became of it.', answers: { 200: 'explanation' }, problems: found },
  },
  '/jobs/{id}/retry': {
    post: { summary: 'Makes a failed or cancelled job waiting again.', answers: { 200: 'job' }, problems: changed },
  },
  '/jobs/{id}/cancel': {
    post: { summary: 'Cancels a job; one that runs is asked to stop.', answers: { 200: 'job' }, problems: changed },
  },
  '/jobs/{id}/change': {
    post: {
      summary: 'Changes the priority of a job that has not started, or when it may start.',
      body: schemas.changeBody,
      answers: { 200: 'job' },
      problems: [400, 415, ...changed],
    },
  },
  '/jobs/{id}/delete': {
    post: {
      summary: 'Deletes a job that does not run, and all that is kept of it.',
      answers: { 200: 'bite' },
      problems: changed,
    },
  },
  '/groups/{id}': {
    get: {
      summary: 'A group, or the children of an ALL job: how many jobs are in each status.',
      answers: { 200: 'group' },
      problems: found,
    },
  },
  '/tasks/{name}/pause': {
    post: { summary: 'Has no job of a task claimed.', answers: { 200: 'taskPause' }, problems: named },
  },
  '/tasks/{name}/resume': {
    post: { summary: 'Has the jobs of a task claimed again.', answers: { 200: 'taskPause' }, problems: named },
  },
  '/systems/{name}/pause': {
    post: { summary: 'Has nothing claimed on a system.', answers: { 200: 'systemPause' }, problems: named },
  },
  '/systems/{name}/resume': {
    post: { summary: 'Has jobs claimed on a system again.', answers: { 200: 'systemPause' }, problems: named },
  },
  '/schedules': {
    get: {
      summary: 'The deployed schedules, with their last and their next tick.',
      answers: { 200: 'schedules' },
      problems: read,
    },
  },
  '/schedules/{name}/pause': {
    post: { summary: 'Lets the ticks of a schedule pass by.', answers: { 200: 'schedulePause' }, problems: named },
  },
  '/schedules/{name}/resume': {
    post: { summary: 'Has a schedule go on with its next tick.', answers: { 200: 'schedulePause' }, problems: named },
  },
  '/tasks': {
    get: { summary: 'The deployed tasks, with their parameters.', answers: { 200: 'tasks' }, problems: read },
  },
  '/graph': {
    get: { summary: 'Tasks, what depends on what, and how fresh each is.', answers: { 200: 'graph' }, problems: read },
  },
  '/status': {
    get: {
      summary: 'How many jobs there are in each status, and what is in use.',
      answers: { 200: 'queueStatus' },
      problems: read,
    },
  },
  '/metrics': {
    get: {
      summary: 'Depth, oldest waiting age, units in use and outcomes, in the text format of Prometheus.',
      answers: { 200: 'metrics' },
      type: 'text/plain',
      problems: read,
    },
  },
  '/openapi.json': { get: { summary: 'This document.', answers: { 200: 'openapi' }, problems: read } },
}

const securitySchemes = {
  secret: { type: 'http', scheme: 'bearer', description: 'JOBMASTER_SECRET' },
  cronSecret: { type: 'http', scheme: 'bearer', description: 'CRON_SECRET' },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-signature',
    description: 'Standard Webhooks, with webhook-id and webhook-timestamp, by JOBMASTER_SIGNING_SECRET',
  },
}

let made: object | undefined

/** The OpenAPI document, from the schemas that requests are validated by. Made when it is first asked for. */
export function document(): object {
  made ??= {
    openapi: '3.1.0',
    info: { title: 'JobMaster', version: '1', description: 'Jobs in Postgres, run by whoever calls the drain.' },
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, operations]) => [
        path,
        Object.fromEntries(Object.entries(operations).map(([method, one]) => [method, operation(path, method, one)])),
      ]),
    ),
    components: {
      securitySchemes,
      schemas: Object.fromEntries(Object.entries(answers).map(([name, schema]) => [name, jsonSchema(schema)])),
    },
  }
  return made
}

function operation(path: string, method: string, one: Operation) {
  const parameters = [
    ...(path.includes('{id}')
      ? parametersOf(path.startsWith('/groups') ? schemas.groupParam : schemas.jobParam, 'path')
      : []),
    ...(path.includes('{name}') ? parametersOf(schemas.nameParam, 'path') : []),
    ...(one.query ? parametersOf(one.query, 'query') : []),
  ]
  return {
    operationId: method + path.replaceAll(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace('}', ''),
    summary: one.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(one.body && {
      requestBody: { required: path !== '/drain', content: { 'application/json': { schema: jsonSchema(one.body) } } },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(one.answers).map(([status, name]) => [status, answer(status, name, one)])),
      ...Object.fromEntries(one.problems.map((status) => [status, problem(status)])),
    },
    security: (one.security ?? ['secret']).map((name) => ({ [name]: [] })),
  }
}

function answer(status: string, name: string, { stream, type }: Operation) {
  return {
    description: name,
    content: {
      [type ?? 'application/json']: { schema: reference(name) },
      ...(stream && status === '200' && { 'text/event-stream': { schema: { type: 'string' } } }),
    },
  }
}

function problem(status: ProblemStatus) {
  return {
    description: titles[status],
    content: { 'application/problem+json': { schema: reference('problem') } },
  }
}

function reference(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}

function parametersOf(schema: GenericSchema, place: 'path' | 'query') {
  const { properties = {}, required = [] } = jsonSchema(schema)
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema,
  }))
}

const conversion: ConversionConfig = {
  typeMode: 'input',
  // What JSON Schema cannot say is checked all the same.
  errorMode: 'ignore',
  overrideSchema: ({ valibotSchema }) => (valibotSchema.type === 'custom' ? { type: 'object' } : undefined),
}

function jsonSchema(schema: GenericSchema) {
  const { $schema: _, ...rest } = toJsonSchema(schema, conversion)
  return rest
}
