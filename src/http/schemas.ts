import * as v from 'valibot'
import { jobStatuses } from '../job.ts'
import { jsonProblem } from '../json.ts'
import type { Json } from '../task.ts'

/** A job's arguments, as JSON says them: what each must be is the task's affair, and checked by the database. */
const args = v.pipe(
  v.custom<Record<string, Json>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be a JSON object',
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    const message = dataset.typed && jsonProblem(dataset.value, 'args')
    if (message) addIssue({ message })
  }),
)

/** The name of a task or a system, as Postgres can take it. */
function name(what: string) {
  return v.pipe(
    v.string(),
    v.maxLength(500),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed && jsonProblem(dataset.value, what)
      if (message) addIssue({ message })
    }),
  )
}

const taskName = name('task')

const whole = v.pipe(v.number(), v.integer('must be a whole number'))
/** Far enough for any: the database says where the limit of priorities is. */
const priority = v.pipe(whole, v.safeInteger('must be a whole number'))
const time = v.pipe(v.string(), v.isoTimestamp('must be a time as 2030-01-31T12:00:00Z'))
const instant = v.pipe(
  time,
  v.transform((text) => new Date(text)),
  v.check((date) => Number.isFinite(date.getTime()), 'must be a time that there is'),
)

const groupId = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const groups = v.union([groupId, v.pipe(v.array(groupId), v.minLength(1))])

const newJob = {
  task: v.pipe(taskName, v.nonEmpty('must be a task, as type.task')),
  args: v.optional(args, {}),
  priority: v.exactOptional(priority),
  runAt: v.exactOptional(instant),
  // Of what else it may be the database tells.
  unique: v.exactOptional(
    v.union(
      [v.picklist(['waiting', 'active']), v.strictObject({ withinSeconds: v.pipe(v.number(), v.finite()) })],
      'must be "waiting", "active" or {"withinSeconds": …}',
    ),
  ),
  uniqueKey: v.exactOptional(name('uniqueKey')),
  debounceSeconds: v.exactOptional(v.pipe(v.number(), v.finite())),
  after: v.exactOptional(
    v.union(
      [groups, v.strictObject({ groups, ifFailed: v.exactOptional(v.picklist(['fail', 'run'])) })],
      'must be the id of a group, a list of them, or {"groups": …, "ifFailed": "fail" or "run"}',
    ),
  ),
}
const drainAfter = v.optional(v.boolean(), false)

/** `POST /jobs` */
export const insertBody = v.strictObject({ ...newJob, drain: drainAfter })

const called = v.strictObject({ task: newJob.task, args: newJob.args })

/** `POST /jobs/batch` */
export const batchBody = v.pipe(
  v.strictObject({
    jobs: v.pipe(v.array(v.strictObject(newJob)), v.maxLength(10_000)),
    /** As a group: `true`, or what it calls once it has ended. */
    group: v.exactOptional(
      v.union(
        [v.literal(true), v.strictObject({ onComplete: v.exactOptional(called), onFailed: v.exactOptional(called) })],
        'must be true, or {"onComplete": {"task", "args"}, "onFailed": {"task", "args"}}',
      ),
    ),
    drain: drainAfter,
  }),
  v.forward(
    v.partialCheck(
      [['jobs'], ['group']],
      ({ jobs, group }) => jobs.length > 0 || group !== undefined,
      'must have a job in it',
    ),
    ['jobs'],
  ),
)

const budget = v.pipe(v.number(), v.finite(), v.minValue(0.1, 'must be at least 0.1 seconds'))
const concurrency = v.pipe(whole, v.minValue(1, 'must be at least 1'))

/** The body of `POST /drain`. What is asked for is never more than the platform and the configuration let. */
export const drainBody = v.strictObject({
  budget: v.exactOptional(budget),
  concurrency: v.exactOptional(concurrency),
  background: v.exactOptional(v.boolean()),
  depth: v.exactOptional(v.pipe(whole, v.minValue(0))),
  share: v.exactOptional(v.pipe(whole, v.minValue(1))),
})

const decimal = v.pipe(v.string(), v.regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be a number'), v.transform(Number))
const digits = v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'must be a whole number'), v.transform(Number))
/** `?stream`, `?stream=1`, `?stream=true` */
const flag = v.pipe(
  v.picklist(['', '1', 'true', '0', 'false'], 'must be true or false'),
  v.transform((text) => text !== '0' && text !== 'false'),
)

/** The query of `/drain`. */
export const drainQuery = v.strictObject({
  budget: v.exactOptional(v.pipe(decimal, budget)),
  concurrency: v.exactOptional(v.pipe(digits, concurrency)),
  background: v.exactOptional(flag),
  stream: v.exactOptional(flag),
})

/** An id as an address has it, in text. */
function idOf(what: string) {
  const expected = `must be the id of ${what}, a whole number`
  return v.pipe(v.string(), v.regex(/^\d{1,16}$/, expected), v.transform(Number), v.safeInteger(expected))
}

/** The query of `GET /jobs`. */
export const listQuery = v.strictObject({
  status: v.exactOptional(v.picklist(jobStatuses, `must be one of ${jobStatuses.join(', ')}`)),
  task: v.exactOptional(taskName),
  group: v.exactOptional(idOf('a group')),
  limit: v.exactOptional(
    v.pipe(digits, v.minValue(1, 'must be at least 1'), v.maxValue(1_000, 'must be at most 1000')),
  ),
  cursor: v.exactOptional(v.pipe(v.string(), v.regex(/^\d{1,18}$/, 'must be the cursor of an answer'))),
})

/** `POST /jobs/cancel`, `/jobs/retry` and `/jobs/delete`: the database says which statuses each takes. */
export const filterBody = v.strictObject({
  status: v.exactOptional(v.picklist(jobStatuses, `must be one of ${jobStatuses.join(', ')}`)),
  task: v.exactOptional(taskName),
  limit: v.exactOptional(
    v.pipe(whole, v.minValue(1, 'must be at least 1'), v.maxValue(10_000, 'must be at most 10000')),
  ),
})

/** `POST /jobs/:id/change` */
export const changeBody = v.strictObject({
  priority: v.exactOptional(priority),
  runAt: v.exactOptional(instant),
})

/** `:name`, of a task, a system or a schedule. */
export const nameParam = v.object({ name: name('name') })

/** `:id`, of a group. */
export const groupParam = v.object({ id: idOf('a group') })

/** `:id`, of a job. */
export const jobParam = v.object({ id: idOf('a job') })
