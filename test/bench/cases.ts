import type { Case } from './case.ts'
import { coldStart } from './cases/cold-start.ts'
import { crowd } from './cases/crowd.ts'
import { day } from './cases/day.ts'
import { drain } from './cases/drain.ts'
import { graphileWorker } from './cases/graphile-worker.ts'
import { heldSnapshot } from './cases/held-snapshot.ts'
import { insert } from './cases/insert.ts'
import { limit } from './cases/limit.ts'
import { pgBoss } from './cases/pg-boss.ts'
import { roundTrip } from './cases/round-trip.ts'
import { scale } from './cases/scale.ts'

/** Everything that is measured. */
export const cases: readonly Case[] = [
  ...limit,
  ...graphileWorker,
  ...pgBoss,
  ...drain,
  ...crowd,
  ...roundTrip,
  ...heldSnapshot,
  ...insert,
  ...scale,
  ...coldStart,
  ...day,
]
