import type { Command, Ending } from './commands.ts'

const jobsOf = (...jobs: [task: string, args: Record<string, unknown>, priority: number][]): Command => ({
  do: 'insert',
  jobs: jobs.map(([task, args, priority]) => ({ task, args, priority, inSeconds: 0 })),
})
const call = (limit: number, ...endings: Ending[]): Command & { do: 'call' } => ({
  do: 'call',
  who: 0,
  limit,
  endings: endings.length > 0 ? endings : ['completed'],
  timeLeftMs: 60_000,
  lostAnswer: false,
})
const drain = (batchSize: number): Command => ({
  do: 'runUntilEmpty',
  batchSize,
  concurrency: 1,
  endings: ['completed'],
})

/** Sequences that once failed, each with the rule that it broke. */
export const regressions: { rule: string; commands: Command[] }[] = [
  {
    rule: 'a dependent of two jobs, one of which completes as the other fails by its own dependency, fails',
    commands: [jobsOf(['top', { n: 2 }, 0]), call(20), call(0, 'fatal', 'completed'), drain(1)],
  },
  {
    rule: 'a claim does not keep units free for a job that it blocks, and pass over the next one for lighter ones',
    commands: [
      jobsOf(['leaf', { n: 1 }, 0], ['leaf', { n: 2 }, 0]),
      call(4),
      jobsOf(['fan', {}, 0], ['heavy', { n: 1 }, 0], ['brief', { n: 1 }, 0], ['brief', { n: 1 }, 0]),
      { ...call(4), who: 2 },
    ],
  },
  {
    rule: 'a job raised in the claim that looks at its own dependencies raises them too',
    commands: [jobsOf(['middle', { n: 2 }, 0], ['leaf', { n: 2 }, 5], ['top', { n: 2 }, 5]), call(5)],
  },
  {
    rule: 'a job that is tried alone does not wait behind one that may not run',
    commands: [
      jobsOf(['leaf', { n: 1 }, 0]),
      call(5),
      { do: 'pass', seconds: 1_500 },
      jobsOf(
        ['heavy', { n: 1 }, 1],
        ['leaf', { n: 1 }, 0],
        ['leaf', { n: 1 }, 2],
        ['brief', { n: 1 }, 5],
        ['heavy', { n: 2 }, 3],
      ),
      { do: 'crash', who: 0 },
      call(2),
      drain(1),
    ],
  },
  {
    rule: 'what ends before the jobs that a claim has just taken may start beside one that waits to be tried alone',
    commands: [
      jobsOf(['leaf', { n: 1 }, 0], ['leaf', { n: 1 }, 0]),
      call(3),
      jobsOf(['middle', { n: 1 }, 2], ['leaf', { n: 1 }, 0]),
      { do: 'pass', seconds: 7_200 },
      {
        do: 'insert',
        jobs: [
          { task: 'brief', args: { n: 1 }, priority: 0, inSeconds: 3_000 },
          { task: 'middle', args: { n: 2 }, priority: 2, inSeconds: 3_000 },
          { task: 'leaf', args: { n: 1 }, priority: 0, inSeconds: 0 },
        ],
      },
      { ...call(20), who: 2 },
      { do: 'pass', seconds: 3_000 },
      drain(4),
    ],
  },
  {
    rule: 'while leases that are over hold units, what stands behind a heavy job may wait for the next call',
    commands: [
      jobsOf(['middle', { n: 1 }, 999_999_999], ['leaf', { n: 1 }, 0]),
      { do: 'runUntilEmpty', batchSize: 1, concurrency: 1, endings: ['completed', 'completed', 'failed'] },
      jobsOf(['leaf', { n: 1 }, 0]),
      call(2),
      jobsOf(['fan', {}, 5], ['leaf', { n: 1 }, 0]),
      { do: 'pass', seconds: 1_500 },
      jobsOf(['loose', { n: 1 }, 0], ['grid', { x: 'ALL', y: 3 }, 999_999_999], ['leaf', { n: 1 }, 0]),
      { ...call(5), who: 1 },
    ],
  },
  {
    rule: 'a job raised above another by a claim has units kept for it before that, as later rounds of the claim see it',
    commands: [
      jobsOf(['fan', {}, 0], ['middle', { n: 1 }, 999_999_999], ['leaf', { n: 1 }, 0]),
      call(20),
      jobsOf(['grid', { x: 1, y: 'ALL' }, 999_999_999], ['brief', { n: 1 }, 5], ['leaf', { n: 1 }, 0]),
      jobsOf(['middle', { n: 2 }, 5]),
      call(0, 'failed', 'held', 'completed'),
      { do: 'pass', seconds: 3_000 },
      { ...call(1), who: 1 },
      { do: 'pass', seconds: 1_500 },
      { ...call(3), who: 2 },
    ],
  },
  {
    rule: 'an invocation that calls is told which of the jobs that it holds are asked to stop',
    commands: [
      jobsOf(['leaf', { n: 1 }, 0], ['heavy', { n: 1 }, 0]),
      call(2),
      { do: 'cancel', job: 0 },
      call(1, 'held'),
    ],
  },
  {
    rule: 'a deploy of what is deployed changes no job, and one that changes a task changes those that run too',
    commands: [
      jobsOf(['leaf', { n: 1 }, 0]),
      call(20),
      { do: 'deploy', version: 1 },
      call(0, 'retryAfter'),
      { do: 'deploy', version: 1 },
    ],
  },
  {
    rule: 'a claim does not take a job, and leave an older one of the same priority that is to expand',
    commands: [
      jobsOf(['grid', { x: 1, y: 'ALL' }, 5], ['top', { n: 'ALL' }, 0], ['leaf', { n: 1 }, 0]),
      call(3),
      call(0, 'released'),
    ],
  },
]
