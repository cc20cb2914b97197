import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgSchema,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { type JobError, jobStatuses } from './job.ts'

/** The name of the Postgres schema when none is given. */
export const defaultSchemaName = 'jobmaster'

/**
 * JobMaster's tables in a Postgres schema of the given name. An application can put them beside its own tables in its
 * `drizzle.config.ts`, and read them with Drizzle; they are written by the SQL functions alone.
 *
 * There are no foreign keys: tasks are retired and never deleted, pruning takes a job's rows together, and a check for
 * each inserted job would cost more than the insert.
 */
export function tablesIn(schemaName: string = defaultSchemaName) {
  // A name such as `public` is refused by deploy; drizzle's own check would refuse it with a message about pgSchema.
  const schema = pgSchema(schemaName)
  const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })
  const id = (name: string) => bigint(name, { mode: 'number' })

  /** One row: which functions and which catalog are deployed. */
  const meta = schema.table('meta', {
    id: integer().primaryKey().default(1),
    functions: text().notNull(),
    catalog: text().notNull(),
    deployedAt: time('deployed_at').notNull(),
  })

  const migrations = schema.table('migrations', {
    name: text().primaryKey(),
    hash: text().notNull(),
    appliedAt: time('applied_at').notNull(),
  })

  const tasks = schema.table(
    'tasks',
    {
      id: integer().primaryKey().generatedAlwaysAsIdentity(),
      typeKey: text('type_key').notNull(),
      taskKey: text('task_key').notNull(),
      description: text(),
      hash: text().notNull(),
      params: jsonb().$type<unknown[]>().notNull(),
      processUnits: integer('process_units').notNull(),
      processLimit: integer('process_limit'),
      maxAttempts: integer('max_attempts').notNull(),
      timeoutMs: integer('timeout_ms'),
      retiredAt: time('retired_at'),
      pausedAt: time('paused_at'),
      /** The arguments that process_limit is counted by; null where it is for all of the task's jobs. */
      processLimitPer: text('process_limit_per').array(),
      /** So many may start in so many seconds. */
      rateLimit: integer('rate_limit'),
      rateSeconds: integer('rate_seconds'),
      rateLimitPer: text('rate_limit_per').array(),
      /** What makes its jobs unique: `unique`, `debounce_seconds` and `unique_params`, the names of a key's arguments. */
      uniqueRule: jsonb('unique_rule').$type<Record<string, unknown>>(),
    },
    (table) => [uniqueIndex('tasks_key_idx').on(table.typeKey, table.taskKey)],
  )

  /** A set of a task's parameter names that some dependency looks at. */
  const shapes = schema.table(
    'shapes',
    {
      id: integer().primaryKey().generatedAlwaysAsIdentity(),
      taskId: integer('task_id').notNull(),
      names: text().array().notNull(),
    },
    (table) => [uniqueIndex('shapes_task_names_idx').on(table.taskId, table.names)],
  )

  const dependencies = schema.table(
    'dependencies',
    {
      id: integer().primaryKey().generatedAlwaysAsIdentity(),
      taskId: integer('task_id').notNull(),
      position: integer().notNull(),
      targetId: integer('target_id').notNull(),
      shapeId: integer('shape_id').notNull(),
      withinSeconds: integer('within_seconds').notNull(),
      args: jsonb().notNull(),
    },
    (table) => [uniqueIndex('dependencies_task_position_idx').on(table.taskId, table.position)],
  )

  const jobs = schema.table(
    'jobs',
    {
      // What every row has comes first, and of it what has a fixed length: Postgres finds no column behind a null or a text
      // without walking there, and each update looks at all that are indexed.
      id: id('id').primaryKey().generatedAlwaysAsIdentity(),
      createdAt: time('created_at').notNull(),
      runAt: time('run_at').notNull(),
      taskId: integer('task_id').notNull(),
      priority: integer().notNull(),
      /**
       * Priority the other way up, so that `(rank, id) > (…, …)` is one range of an index: a claim can start after the last
       * job taken. Written beside it, as a generated column is worked out anew for each row of each update.
       */
      rank: integer().notNull(),
      /** Grows at every claim. `(id, attempt)` fences every later write. */
      attempt: integer().notNull().default(0),
      /** The attempts that count against `max_attempts`. */
      failures: integer().notNull().default(0),
      maxAttempts: integer('max_attempts').notNull(),
      processUnits: integer('process_units').notNull(),
      /** Its lease was lost: it is claimed alone until an invocation has lived to settle it. */
      suspect: boolean().notNull().default(false),
      /** Some argument is "ALL". */
      expands: boolean().notNull().default(false),
      /** The number of the claim that took it, from a sequence: later claims have higher numbers. */
      claim: id('claim'),
      status: text({ enum: jobStatuses }).notNull(),
      args: jsonb().$type<Record<string, unknown>>().notNull(),
      system: text(),
      invocation: uuid(),
      /** Which call of that invocation claimed it: a repeat of the call gets the same jobs. */
      sequence: integer(),
      startedAt: time('started_at'),
      leaseUntil: time('lease_until'),
      finishedAt: time('finished_at'),
      /** Since when it has not run for want of dependencies: what completed after this counts as fresh. */
      blockedAt: time('blocked_at'),
      cancelRequestedAt: time('cancel_requested_at'),
      parentId: id('parent_id'),
      result: jsonb().$type<unknown>(),
      error: jsonb().$type<JobError>(),
      /** The W3C traceparent of what inserted it. */
      trace: text(),
      /** Of a task with limits by arguments: the hash of those that they name. */
      limitKey: id('limit_key'),
      /** The group that it was inserted with; of the children of an ALL job, the one of their parent. */
      groupId: id('group_id'),
    },
    (table) => [
      // The order of claims: higher priority first, then the older job.
      index('jobs_waiting_idx')
        .on(table.rank, table.id)
        .where(sql`status = 'waiting'`),
      // The same for each task: read when some task may not run now, so that its jobs are not waded through.
      index('jobs_waiting_by_task_idx')
        .on(table.taskId, table.rank, table.id)
        .where(sql`status = 'waiting'`),
      index('jobs_suspect_idx')
        .on(table.rank, table.id)
        .where(sql`status = 'waiting' and suspect`),
      // By what limits by arguments count: a claim goes from key to key, whatever number of jobs each has.
      index('jobs_limited_idx')
        .on(table.taskId, table.limitKey, table.rank, table.id)
        .where(sql`status = 'waiting' and limit_key is not null`),
      index('jobs_running_idx')
        .on(table.claim)
        .where(sql`status = 'running'`),
      // What is set for later is not among what may run: a claim looks only at what is due.
      index('jobs_scheduled_idx')
        .on(table.runAt)
        .where(sql`status = 'scheduled'`),
      index('jobs_failed_idx')
        .on(table.id)
        .where(sql`status = 'failed'`),
      // Whether a group has a job left, and how many of each status.
      index('jobs_group_idx')
        .on(table.groupId, table.status)
        .where(sql`group_id is not null`),
      index('jobs_parent_idx')
        .on(table.parentId, table.status)
        .where(sql`parent_id is not null`),
      // One check, and a short one: its text is read anew by each statement that writes jobs.
      check(
        'jobs_row_check',
        sql`(finished_at is null) = (status = any ('{waiting,running,scheduled,blocked}')) and (status = 'running') = (lease_until is not null) and rank = -priority`,
      ),
    ],
  )

  /** The arguments that dependencies look at, of each job that one could wait for: due, not finished, without ALL. */
  const jobKeys = schema.table(
    'job_keys',
    {
      jobId: id('job_id').notNull(),
      shapeId: integer('shape_id').notNull(),
      keyHash: id('key_hash').notNull(),
      key: jsonb().notNull(),
    },
    (table) => [
      uniqueIndex('job_keys_key_idx').on(table.shapeId, table.keyHash, table.jobId),
      index('job_keys_job_idx').on(table.jobId),
    ],
  )

  /** When a job with these arguments was last completed: what freshness is read from, however long the history. */
  const completions = schema.table(
    'completions',
    {
      shapeId: integer('shape_id').notNull(),
      keyHash: id('key_hash').notNull(),
      key: jsonb().notNull(),
      completedAt: time('completed_at').notNull(),
      jobId: id('job_id').notNull(),
    },
    (table) => [uniqueIndex('completions_key_idx').on(table.shapeId, table.keyHash)],
  )

  /** Which job waits for which. */
  const blockers = schema.table(
    'blockers',
    { jobId: id('job_id').notNull(), blockerId: id('blocker_id').notNull() },
    (table) => [
      uniqueIndex('blockers_job_idx').on(table.jobId, table.blockerId),
      index('blockers_blocker_idx').on(table.blockerId),
    ],
  )

  /**
   * Jobs that were inserted together. Its id is of the sequence of jobs, since the children of an ALL job are a group too,
   * under their parent's id: that has a row here once a job waits for it.
   */
  const groups = schema.table('groups', {
    id: id('id').primaryKey(),
    createdAt: time('created_at').notNull(),
    /** When the last of its jobs had ended. From then on nothing here changes. */
    endedAt: time('ended_at'),
    /** How many jobs it had then, how many of these had failed or were cancelled, and what the first of them says. */
    jobs: integer().notNull().default(0),
    failures: integer().notNull().default(0),
    failure: text(),
    /** The jobs that run when all have completed, and when some have not; the one that does not run is deleted. */
    onComplete: id('on_complete'),
    onFailed: id('on_failed'),
  })

  /** Which blocked job waits for which group, until it has ended: `condition` is what the job runs in. */
  const groupWaits = schema.table(
    'group_waits',
    {
      groupId: id('group_id').notNull(),
      jobId: id('job_id').notNull(),
      condition: text({ enum: ['completed', 'ended', 'onComplete', 'onFailed'] }).notNull(),
    },
    (table) => [
      uniqueIndex('group_waits_job_idx').on(table.jobId, table.groupId),
      index('group_waits_group_idx').on(table.groupId),
    ],
  )

  /** Attempts that did not complete: how each ended. One that completed, or runs, is in the job's own row. */
  const attempts = schema.table(
    'attempts',
    {
      jobId: id('job_id').notNull(),
      attempt: integer().notNull(),
      startedAt: time('started_at').notNull(),
      finishedAt: time('finished_at').notNull(),
      outcome: text({ enum: ['failed', 'interrupted', 'lost', 'cancelled'] }).notNull(),
      system: text().notNull(),
      error: jsonb().$type<JobError>(),
    },
    (table) => [uniqueIndex('attempts_job_idx').on(table.jobId, table.attempt)],
  )

  /** What the newest attempt of a job last said of how far it is. */
  const progress = schema.table('progress', {
    jobId: id('job_id').primaryKey(),
    attempt: integer().notNull(),
    /** 0 to 1. */
    value: doublePrecision().notNull(),
    message: text(),
    toldAt: time('told_at').notNull(),
  })

  /** What attempts logged. The lines of an attempt are numbered from 1. */
  const logLines = schema.table(
    'log_lines',
    {
      jobId: id('job_id').notNull(),
      attempt: integer().notNull(),
      line: integer().notNull(),
      loggedAt: time('logged_at').notNull(),
      message: text().notNull(),
    },
    (table) => [uniqueIndex('log_lines_job_idx').on(table.jobId, table.attempt, table.line)],
  )

  /** Starts of jobs whose task has a rate, until they have left its window. */
  const starts = schema.table(
    'starts',
    {
      taskId: integer('task_id').notNull(),
      /** What they are counted under; 0 where the rate is for all of the task's jobs. */
      limitKey: id('limit_key').notNull(),
      startedAt: time('started_at').notNull(),
      jobId: id('job_id').notNull(),
      attempt: integer().notNull(),
    },
    (table) => [
      uniqueIndex('starts_job_idx').on(table.jobId, table.attempt),
      index('starts_key_idx').on(table.taskId, table.limitKey, table.startedAt),
      index('starts_window_idx').on(table.taskId, table.startedAt),
    ],
  )

  /** The process units of each system, as its last invocation gave them: for `queue` and `explain`, not for claims. */
  const systems = schema.table('systems', {
    name: text().primaryKey(),
    processUnits: integer('process_units').notNull(),
    /** Since when no invocation on it claims. */
    pausedAt: time('paused_at'),
  })

  /** Signatures that have opened the drain, until the time they carry is too long ago: one opens it once. */
  const signatures = schema.table(
    'signatures',
    { signature: text().primaryKey(), expiresAt: time('expires_at').notNull() },
    (table) => [index('signatures_expires_idx').on(table.expiresAt)],
  )

  /**
   * How many attempts ended how, by minute: what metrics and throughput are read from, and pruning leaves alone. Each
   * settle adds a row a task, so that none waits for another; later these are merged into one a minute, and those of more
   * than a day ago into one of all times, whose minute is -infinity.
   */
  const tallies = schema.table(
    'tallies',
    {
      merged: boolean().notNull().default(false),
      minute: time('minute').notNull(),
      taskId: integer('task_id').notNull(),
      outcome: text({ enum: ['completed', 'failed', 'cancelled', 'retried', 'interrupted', 'lost'] }).notNull(),
      jobs: bigint('jobs', { mode: 'number' }).notNull(),
    },
    (table) => [index('tallies_minute_idx').on(table.merged, table.minute)],
  )

  /** One row: how far the present sweep for jobs that are kept no longer has come, by their ids. */
  const retention = schema.table('retention', {
    id: integer().primaryKey().default(1),
    afterId: id('after_id').notNull(),
    beganAt: time('began_at').notNull(),
  })

  /** When jobs are inserted by themselves. The code computes the ticks ahead, and functions insert what is due. */
  const schedules = schema.table(
    'schedules',
    {
      id: integer().primaryKey().generatedAlwaysAsIdentity(),
      typeKey: text('type_key').notNull(),
      scheduleKey: text('schedule_key').notNull(),
      hash: text().notNull(),
      taskId: integer('task_id').notNull(),
      args: jsonb().$type<Record<string, unknown>>().notNull(),
      cron: text().notNull(),
      timezone: text().notNull(),
      catchUp: text('catch_up', { enum: ['none', 'last', 'all'] }).notNull(),
      /** The ticks to come, as far as they have been computed. */
      coming: time('coming').array().notNull(),
      /** The first of these. */
      nextTick: time('next_tick'),
      /** From when on an invocation is asked to compute more: half of them are gone. */
      refillAt: time('refill_at').notNull(),
      computedUntil: time('computed_until').notNull(),
      pausedAt: time('paused_at'),
      /** When a claim has something to do for it. */
      dueAt: time('due_at').generatedAlwaysAs(sql`case when paused_at is null then least(next_tick, refill_at) end`),
    },
    (table) => [
      uniqueIndex('schedules_key_idx').on(table.typeKey, table.scheduleKey),
      index('schedules_due_idx').on(table.dueAt),
    ],
  )

  /** The newest ticks of each schedule that jobs were inserted for: none is for two. */
  const ticks = schema.table(
    'ticks',
    {
      scheduleId: integer('schedule_id').notNull(),
      tick: time('tick').notNull(),
      jobId: id('job_id'),
    },
    (table) => [uniqueIndex('ticks_schedule_tick_idx').on(table.scheduleId, table.tick)],
  )

  /** The newest job of each key that a job was unique by. An insert holds the row of its key while it looks. */
  const uniqueKeys = schema.table(
    'unique_keys',
    {
      taskId: integer('task_id').notNull(),
      keyHash: id('key_hash').notNull(),
      key: jsonb().notNull(),
      jobId: id('job_id').notNull(),
    },
    (table) => [
      uniqueIndex('unique_keys_key_idx').on(table.taskId, table.keyHash),
      index('unique_keys_job_idx').on(table.jobId),
    ],
  )

  const claims = schema.sequence('claims')

  /**
   * What is there, in the order it would run, and why not now. Made for people; it uses no function, so that a push can
   * make it. A security barrier: a role that may read this view alone could else learn from a condition of its own,
   * tried before the view's, what finished jobs were given.
   */
  const queue = schema
    .view('queue', {
      id: id('id').notNull(),
      task: text().notNull(),
      args: jsonb().notNull(),
      priority: integer().notNull(),
      status: text().notNull(),
      whyNot: text('why_not'),
      attempt: integer().notNull(),
      runAt: time('run_at').notNull(),
      createdAt: time('created_at').notNull(),
    })
    .with({ securityBarrier: true }).as(sql`
with running as (
  select task_id, system, count(*) as jobs, sum(process_units) as units
  from ${jobs}
  where status = 'running'
  group by task_id, system
), free as (
  select systems.name, systems.process_units - coalesce(sum(running.units), 0) as units, systems.process_units as all_units
  from ${systems} systems
  left join running on running.system = systems.name
  where systems.paused_at is null
  group by systems.name, systems.process_units
), roomiest as (
  select name, units, all_units from free order by units desc limit 1
)
select
  job.id,
  task.type_key || '.' || task.task_key as task,
  job.args,
  job.priority,
  job.status,
  case
    when job.status = 'blocked' then coalesce('dependencies: waits for ' || (
      select string_agg('#' || blocker.id || ' ' || target.type_key || '.' || target.task_key || ' (' || blocker.status || ')', ', ' order by blocker.id)
      from ${blockers} blockers
      join ${jobs} blocker on blocker.id = blockers.blocker_id
      join ${tasks} target on target.id = blocker.task_id
      where blockers.job_id = job.id
    ), 'groups: waits for ' || (
      select string_agg('group ' || waits.group_id, ', ' order by waits.group_id) from ${groupWaits} waits where waits.job_id = job.id
    ))
    when job.status = 'scheduled' and job.attempt > 0 then 'backing off: failed ' || job.failures || ' of ' || job.max_attempts || ' attempts'
    when job.status = 'scheduled' then 'not due yet'
    when job.status <> 'waiting' then null
    when task.retired_at is not null then 'retired: no deployed code has this task'
    when task.paused_at is not null then 'paused'
    when roomiest.name is null and exists (select from ${systems}) then 'paused: every system'
    when task.process_limit_per is null and (select sum(jobs) from running where running.task_id = task.id) >= task.process_limit
      then 'process limit: ' || task.process_limit || ' of ' || task.process_limit || ' running'
    when task.process_limit_per is not null and (
      select count(*) from ${jobs} other where other.status = 'running' and other.task_id = task.id and other.limit_key = job.limit_key
    ) >= task.process_limit
      then 'process limit: ' || task.process_limit || ' of ' || task.process_limit || ' running with the same ' || array_to_string(task.process_limit_per, ', ')
    when (
      select count(*)
      from ${starts} starts
      where starts.task_id = task.id
        and starts.limit_key = case when task.rate_limit_per is null then 0 else job.limit_key end
        and starts.started_at > now() - task.rate_seconds * interval '1 second'
    ) >= task.rate_limit
      then 'rate limit: ' || task.rate_limit || ' started in ' || task.rate_seconds || ' seconds' || coalesce(' with the same ' || array_to_string(task.rate_limit_per, ', '), '')
    when task.process_units > roomiest.units
      then 'units: needs ' || task.process_units || ', ' || roomiest.units || ' of ' || roomiest.all_units || ' free on ' || roomiest.name
  end as why_not,
  job.attempt,
  job.run_at,
  job.created_at
from ${jobs} job
join ${tasks} task on task.id = job.task_id
left join roomiest on true
where job.finished_at is null
order by
  case job.status when 'running' then 0 when 'waiting' then 1 when 'blocked' then 2 else 3 end,
  case when job.status = 'scheduled' then job.run_at end,
  job.rank,
  job.id
`)

  return {
    schema,
    meta,
    migrations,
    tasks,
    shapes,
    dependencies,
    jobs,
    jobKeys,
    completions,
    blockers,
    groups,
    groupWaits,
    attempts,
    progress,
    logLines,
    starts,
    systems,
    signatures,
    tallies,
    retention,
    schedules,
    ticks,
    uniqueKeys,
    claims,
    queue,
  }
}

/** Those tables, for whoever reads them with Drizzle. */
export type Tables = ReturnType<typeof tablesIn>

// For drizzle-kit, which looks for exported tables.
export const {
  schema,
  meta,
  migrations,
  tasks,
  shapes,
  dependencies,
  jobs,
  jobKeys,
  completions,
  blockers,
  groups,
  groupWaits,
  attempts,
  progress,
  logLines,
  starts,
  systems,
  signatures,
  tallies,
  retention,
  schedules,
  ticks,
  uniqueKeys,
  claims,
  queue,
} = tablesIn()
