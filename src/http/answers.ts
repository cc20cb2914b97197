import * as v from 'valibot'
import { jobStatuses } from '../job.ts'

/** What the routes answer, as JSON says it: the OpenAPI document is made of these. */

const time = v.pipe(v.string(), v.isoTimestamp())
const json = v.unknown()
const whole = v.pipe(v.number(), v.integer())
const status = v.picklist(jobStatuses)
const jobError = v.object({ name: v.string(), message: v.string(), stack: v.optional(v.string()) })

export const job = v.object({
  id: whole,
  task: v.string(),
  args: v.record(v.string(), json),
  priority: whole,
  status,
  attempt: whole,
  maxAttempts: whole,
  failures: whole,
  processUnits: whole,
  system: v.nullable(v.string()),
  createdAt: time,
  runAt: time,
  startedAt: v.nullable(time),
  finishedAt: v.nullable(time),
  leaseUntil: v.nullable(time),
  result: json,
  error: v.nullable(jobError),
  parentId: v.nullable(whole),
  groupId: v.nullable(whole),
  progress: v.nullable(v.object({ value: v.number(), message: v.nullable(v.string()), at: time })),
})

export const insertedJob = v.object({ ...job.entries, existing: v.optional(v.literal(true)) })

export const jobList = v.object({ jobs: v.array(job), cursor: v.nullable(v.string()) })

export const jobBatch = v.object({
  jobs: v.array(insertedJob),
  group: v.optional(v.object({ id: whole, onComplete: v.nullable(whole), onFailed: v.nullable(whole) })),
})

export const group = v.object({
  id: whole,
  status: v.picklist(['open', 'completed', 'failed']),
  createdAt: time,
  endedAt: v.nullable(time),
  counts: v.record(status, whole),
  total: whole,
  done: whole,
  failure: v.nullable(v.string()),
  onComplete: v.nullable(whole),
  onFailed: v.nullable(whole),
})

export const bite = v.object({ jobs: whole, more: v.boolean() })

export const taskPause = v.object({ task: v.string(), pausedAt: v.nullable(time) })

export const systemPause = v.object({ system: v.string(), pausedAt: v.nullable(time) })

export const schedulePause = v.object({ schedule: v.string(), pausedAt: v.nullable(time) })

export const schedules = v.object({
  schedules: v.array(
    v.object({
      schedule: v.string(),
      task: v.string(),
      args: v.record(v.string(), json),
      cron: v.string(),
      timezone: v.string(),
      catchUp: v.picklist(['none', 'last', 'all']),
      pausedAt: v.nullable(time),
      lastTickAt: v.nullable(time),
      lastJobId: v.nullable(whole),
      nextTickAt: v.nullable(time),
    }),
  ),
})

export const attempts = v.object({
  attempts: v.array(
    v.object({
      attempt: whole,
      outcome: v.picklist(['running', 'completed', 'failed', 'interrupted', 'lost', 'cancelled']),
      system: v.string(),
      startedAt: time,
      finishedAt: v.nullable(time),
      error: v.nullable(jobError),
    }),
  ),
})

export const log = v.object({ log: v.array(v.object({ attempt: whole, at: time, message: v.string() })) })

export const explanation = v.object({ id: whole, explanation: v.string() })

export const report = v.object({
  stopReason: v.picklist(['empty', 'capacity', 'paused', 'deadline', 'budget', 'aborted']),
  completed: whole,
  failed: whole,
  retried: whole,
  cancelled: whole,
  expanded: whole,
  blocked: whole,
  released: whole,
  refused: whole,
  abandoned: whole,
  jobs: v.array(
    v.object({
      id: whole,
      task: v.string(),
      status: v.picklist([...jobStatuses, 'refused']),
      attempt: whole,
      durationMs: v.number(),
      error: v.optional(jobError),
    }),
  ),
  statements: whole,
  remaining: whole,
  nextWakeAt: v.nullable(time),
  skew: v.array(v.string()),
})

/** Of what is done after the answer. */
export const accepted = v.object({ accepted: v.literal(true) })

export const queueStatus = v.object({
  jobs: v.record(status, whole),
  tasks: v.array(v.object({ task: v.string(), status, jobs: whole })),
  systems: v.array(
    v.object({ system: v.string(), unitsInUse: whole, processUnits: whole, pausedAt: v.nullable(time) }),
  ),
  oldestWaitingAt: v.nullable(time),
})

export const tasks = v.object({
  tasks: v.array(
    v.object({
      task: v.string(),
      description: v.nullable(v.string()),
      params: v.array(
        v.object({
          name: v.string(),
          description: v.nullable(v.string()),
          schema: json,
          required: v.boolean(),
          nullable: v.boolean(),
          default: v.optional(json),
          options: v.nullable(v.array(json)),
          writeAll: v.boolean(),
        }),
      ),
      processUnits: whole,
      processLimit: v.nullable(whole),
      processLimitPer: v.nullable(v.array(v.string())),
      rateLimit: v.nullable(v.object({ max: whole, perSeconds: whole, per: v.nullable(v.array(v.string())) })),
      maxAttempts: whole,
      timeoutMs: v.nullable(whole),
      retiredAt: v.nullable(time),
      pausedAt: v.nullable(time),
    }),
  ),
})

export const graph = v.object({
  tasks: v.array(
    v.object({
      task: v.string(),
      description: v.nullable(v.string()),
      retired: v.boolean(),
      paused: v.boolean(),
      lastCompletedAt: v.nullable(time),
    }),
  ),
  dependencies: v.array(
    v.object({
      task: v.string(),
      target: v.string(),
      withinSeconds: whole,
      args: v.record(v.string(), json),
      lastCompletedAt: v.nullable(time),
      freshUntil: v.nullable(time),
    }),
  ),
})

export const metrics = v.string()

export const health = v.object({ status: v.literal('ok') })

export const problem = v.object({
  type: v.string(),
  title: v.string(),
  status: whole,
  detail: v.string(),
  code: v.optional(v.string()),
  errors: v.optional(
    v.array(v.object({ in: v.picklist(['body', 'query', 'path']), field: v.string(), detail: v.string() })),
  ),
})

export const openapi = v.looseObject({ openapi: v.literal('3.1.0') })
