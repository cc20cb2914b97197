import fc from 'fast-check'

/** What a handler comes to. `held`: it still runs. */
export type Ending = 'completed' | 'failed' | 'retryAfter' | 'fatal' | 'interrupted' | 'released' | 'held'

export interface NewJob {
  task: string
  args: Record<string, unknown>
  priority: number
  /** Due so many seconds from now. */
  inSeconds: number
}

/** Plain data, so that a sequence that failed can be kept as it is. Jobs are named by their place among those there are. */
export type Command =
  | { do: 'insert'; jobs: NewJob[] }
  /** A call of one of three invocations, which it begins where there is none: what it holds ends so, and it takes more. */
  | { do: 'call'; who: number; limit: number; endings: Ending[]; timeLeftMs: number; lostAnswer: boolean }
  /** The invocation is gone without a word. */
  | { do: 'crash'; who: number }
  | { do: 'pass'; seconds: number }
  | { do: 'cancel'; job: number }
  | { do: 'retry'; job: number }
  | { do: 'deploy'; version: number }
  | { do: 'runUntilEmpty'; batchSize: number; concurrency: number; endings: Ending[] }

const n = fc.constantFrom<unknown>(1, 2)
const nOrAll = fc.constantFrom<unknown>(1, 2, 'ALL')
const args: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  leaf: fc.record({ n: nOrAll }),
  heavy: fc.record({ n }),
  brief: fc.record({ n, k: fc.constantFrom<unknown>(7, 8) }, { requiredKeys: ['n'] }),
  grid: fc.record({ x: nOrAll, y: fc.constantFrom<unknown>(3, 'ALL') }),
  middle: fc.record({ n }),
  top: fc.record({ n: nOrAll }),
  fan: fc.constant({}),
  loose: fc.record({ n }),
  named: fc.record({ name: fc.constant('a name') }),
  stuck: fc.constant({}),
}
const newJob: fc.Arbitrary<NewJob> = fc
  .constantFrom(
    'leaf',
    'heavy',
    'brief',
    'brief',
    'grid',
    'middle',
    'middle',
    'top',
    'top',
    'fan',
    'loose',
    'named',
    'stuck',
  )
  .chain((task) =>
    fc.record({
      task: fc.constant(task),
      args: args[task]!,
      priority: fc.constantFrom(0, 0, 0, 1, 2, 5, -3, 999_999_999),
      inSeconds: fc.constantFrom(0, 0, 0, 0, 30, 3_000),
    }),
  )

const ending = fc.constantFrom<Ending>(
  ...(['completed', 'completed', 'completed', 'completed', 'failed', 'retryAfter', 'fatal', 'interrupted'] as const),
)
const endingOfCall = fc.oneof({ weight: 3, arbitrary: ending }, fc.constantFrom<Ending>('released', 'held', 'held'))
const who = fc.constantFrom(0, 1, 2)
const job = fc.nat({ max: 20 })

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      jobs: fc.array(newJob, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      who,
      limit: fc.constantFrom(0, 1, 2, 3, 5, 20),
      endings: fc.array(endingOfCall, { minLength: 1, maxLength: 4 }),
      timeLeftMs: fc.constantFrom(60_000, 60_000, 10_000),
      lostAnswer: fc.constantFrom(false, false, false, false, true),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      seconds: fc.constantFrom(5, 20, 65, 100, 1_500, 3_000, 7_200),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), job }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retry' as const), job }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deploy' as const), version: fc.constantFrom(0, 1, 2) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('runUntilEmpty' as const),
      batchSize: fc.constantFrom(1, 2, 4, 20),
      concurrency: fc.constantFrom(1, 3),
      endings: fc.array(
        fc.constantFrom<Ending>('completed', 'completed', 'completed', 'failed', 'retryAfter', 'fatal'),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
)

export const commands = fc.array(command, { minLength: 1, maxLength: 40, size: 'max' })
