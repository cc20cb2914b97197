import type { Place } from './place.ts'

/** Something to measure. Cases run interleaved, round by round, so that what slows the machine slows all alike. */
export interface Case {
  /** Words with slashes, the general one first: `drain/node-postgres/100`. `--only` goes by it. */
  name: string
  /** `jobs/s`, more is better, when not given; `ms` a job (or a call), less is better. */
  unit?: 'jobs/s' | 'ms'
  /** Only `--full` runs it, or `--only` by its name. */
  full?: boolean
  /** Once, in a database of its own. */
  open(place: Place): Promise<OpenCase>
}

export interface OpenCase {
  /** Before each run, not measured: the jobs that it will find. */
  prepare(): Promise<void>
  run(): Promise<Done>
  close(): Promise<void>
}

export interface Done {
  jobs: number
  /** As counted at the driver. */
  statements?: number
  /** What counts, when it is not the time that `run` took. */
  seconds?: number
  /** Parts of the run, each under a name of its own below the case's. */
  parts?: Record<string, { jobs: number; seconds: number }>
  /** What the tables take, in megabytes, each under a name of its own below the case's. */
  sizes?: Record<string, number>
}

/** What is asked of a case, by itself or compared with another of the same round: the median of the rounds has to reach it. */
export interface Asked {
  what: string
  /** Of several the best in the round counts. */
  of: string | string[]
  /** Divided by it. */
  to?: string | string[]
  /** Less it. */
  beyond?: string | string[]
  /** For `jobs/s`; and for `ms` how long, or how many times as long, it may take. */
  least?: number
  most?: number
}
