import type { Case } from '../case.ts'
import { drained } from './drain.ts'

/** Drains at once, on one system and on several; and so many that they could stand in each other's way. */
export const crowd: Case[] = [
  drained('crowd/1 drain', {}),
  drained('crowd/4 drains on one system', { drains: 4 }),
  drained('crowd/4 drains on 4 systems', { drains: 4, systems: 4 }),
  drained('crowd/4 drains over neon-http, 10 a claim', { driver: 'neon-http', drains: 4, batchSize: 10 }),
  drained('crowd/64 drains over neon-http, 10 a claim', { driver: 'neon-http', drains: 64, batchSize: 10 }),
]
