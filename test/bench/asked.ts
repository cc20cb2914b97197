import type { Asked } from './case.ts'

const asItComes = 'drain/node-postgres/as it comes'
const at100 = 'drain/node-postgres/100'
const oneConnection = 'drain/one connection/100'
const graphileBest = ['graphile-worker/local queue of 500', 'graphile-worker/local queue of 1000']

/** What is asked of JobMaster: docs/performance.md has what came of it. */
export const asked: Asked[] = [
  { what: 'drain at 100 against the limit at 100', of: at100, to: 'limit/100', least: 0.75 },
  { what: 'drain at 500 against the limit at 500', of: 'drain/node-postgres/500', to: 'limit/500', least: 0.75 },
  { what: 'drain as it comes against the limit at 500', of: asItComes, to: 'limit/500', least: 0.75 },
  { what: 'drain as it comes against graphile-worker at its best', of: asItComes, to: graphileBest, least: 1.1 },
  {
    what: 'drain as it comes against graphile-worker as it comes',
    of: asItComes,
    to: 'graphile-worker/as it comes',
    least: 10,
  },
  { what: 'drain at 100 against pg-boss at 100', of: at100, to: 'pg-boss/fetch 100', least: 2 },
  { what: '20 tasks instead of 1, at 100', of: 'drain/20 tasks/100', to: at100, least: 0.9 },
  { what: '20 tasks instead of 1, as it comes', of: 'drain/20 tasks/as it comes', to: asItComes, least: 0.9 },
  { what: 'units for 100 jobs, at 100', of: 'drain/units/100', to: at100, least: 0.9 },
  { what: 'a process limit of 100, at 100', of: 'drain/process limit/100', to: at100, least: 0.9 },
  {
    what: 'units for 100 jobs, at 100, against a drain with one connection',
    of: 'drain/units/100',
    to: oneConnection,
    least: 0.9,
  },
  {
    what: 'a process limit of 100, at 100, against a drain with one connection',
    of: 'drain/process limit/100',
    to: oneConnection,
    least: 0.9,
  },
  { what: 'one fresh dependency a job, at 100', of: 'drain/a fresh dependency/100', to: at100, least: 0.7 },
  {
    what: 'one fresh dependency a job, as it comes',
    of: 'drain/a fresh dependency/as it comes',
    to: asItComes,
    least: 0.7,
  },
  {
    what: '4 drains at once on one system, against 1',
    of: 'crowd/4 drains on one system',
    to: 'crowd/1 drain',
    least: 1,
  },
  {
    what: '4 drains at once on 4 systems, against 1',
    of: 'crowd/4 drains on 4 systems',
    to: 'crowd/1 drain',
    least: 1.3,
  },
  { what: '10 ms round trip against none', of: 'round trip/10 ms', to: 'round trip/none', least: 0.5 },
  {
    what: '64 drains at once over neon-http, 10 a claim, against 4',
    of: 'crowd/64 drains over neon-http, 10 a claim',
    to: 'crowd/4 drains over neon-http, 10 a claim',
    least: 0.8,
  },
  { what: 'a held snapshot against none', of: 'held snapshot/held', to: 'held snapshot/none', least: 0.5 },
  {
    what: 'a held snapshot: the last tenth of the jobs against the first',
    of: 'held snapshot/held/last tenth',
    to: 'held snapshot/held/first tenth',
    least: 0.7,
  },
  {
    what: 'insertMany of 1,000 against plain insert from jsonb_to_recordset',
    of: 'insert/1,000',
    to: 'insert/plain SQL/1,000',
    least: 0.6,
  },
  {
    what: 'ten times as many set for later against none',
    of: 'scale/ten times as many set for later',
    to: 'scale/none set for later',
    least: 0.9,
  },
  {
    what: 'a day of 2,000,000 jobs: the last tenth against the second',
    of: 'day/tenth 10',
    to: 'day/tenth 2',
    least: 0.83,
  },
  {
    what: 'a day of 2,000,000 jobs: tables and indexes after it, against after the second tenth',
    of: 'day/size after tenth 10',
    to: 'day/size after tenth 2',
    most: 1.2,
  },
  {
    what: 'claims beside 5,000,000 of history and 500,000 waiting, against an empty table',
    of: 'scale/claims beside 5,000,000 of history and 500,000 waiting',
    to: 'scale/claims from an empty table',
    most: 1.3,
  },
  { what: 'an idle tick, in the database, in ms', of: 'idle tick/in the database', most: 1 },
  {
    what: 'cold start to the first job done, beyond connecting, in ms of processor time',
    of: 'cold start/first job',
    beyond: 'cold start/connect',
    most: 60,
  },
]
