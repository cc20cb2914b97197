import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createJobMaster, type JobMaster } from 'jobmaster'
import pg from 'pg'
import { type Disk, mountDisk } from '../support/disk.ts'
import { attemptsNotEndedOnce, beganTooSoon, jobsAbove, jobsLost, keepLedger, unitsAbove } from '../support/ledger.ts'
import { type Neon, startNeon } from '../support/neon.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import { type Sql, sqlAt } from '../support/sql.ts'
import { type Drainer, type DrainerOptions, startDrainer } from './drainers.ts'
import { chaos, limits, someJobs, systems, tasksOf } from './tasks.ts'

/** What a fault has to do with. */
export interface Rig {
  postgres: Postgres
  proxy: Proxy
  neon: Neon
  database: string
  /** Where the database is, of a fault that asks for a small one; nothing where none can be mounted. */
  disk: Disk | undefined
  /** Where the write-ahead log is; nothing where no disk can be mounted. */
  logDisk: Disk | undefined
  sql: Sql
  jobs: JobMaster
  /** Deploys a version of the tasks, on a connection of its own. */
  deploy(version: number): Promise<void>
  /** Kills a process that drains, and has another one in its place. */
  killDrainer(index: number): Promise<void>
  /** Sets the faults that `fault.raise` raises in the engine's own transactions: one in so many statements. */
  raise(sqlstate: string, oneIn: number): Promise<void>
  /** How many drains have failed with it so far. */
  failedWith(sqlstate: string): Promise<number>
}

/** Something that goes wrong, and how to do it once. */
export interface Fault {
  name: string
  /** Does it once; answers how often it happened, when that is not once. */
  inject(rig: Rig, time: number): Promise<number | void>
  /** Before the first, and after the last. */
  begin?(rig: Rig): Promise<void>
  end?(rig: Rig): Promise<void>
  /** What is on a small disk of its own, where one can be mounted. The log always is. */
  smallDisk?: 'of the database' | 'of the log'
  /** Of each process that drains, by its number. */
  drainer?(index: number): Partial<DrainerOptions>
}

/** A line of the table. */
export interface Outcome {
  fault: string
  times: number
  settled: number
  lost: number
  doubleSettled: number
  overLimit: number
  tooSoon: number
  /** What each of these counts is made of. */
  violations: string[]
}

export interface Server {
  postgres: Postgres
  /** The processes that drain, for one fault after the other. */
  drainers: Drainer[]
  proxy: Proxy
  neon: Neon
  /** A small one, where there is a tablespace; none where none can be mounted. */
  disk: Disk | undefined
  /** Another, of the write-ahead log. */
  logDisk: Disk | undefined
  stop(): Promise<void>
}

/** A Postgres that keeps what it has said is committed also when it crashes; the disk is memory. */
export async function startServer(): Promise<Server> {
  const postgres = await startPostgres({
    fast: true,
    settings: {
      synchronous_commit: 'on',
      deadlock_timeout: '50ms',
      restart_after_crash: 'on',
      // A log that has a disk of its own is small on it.
      max_wal_size: '64MB',
    },
  })
  const disk = await smallDisk(256, postgres)
  const logDisk = disk && (await smallDisk(256, postgres))
  if (disk) await once(postgres.url, `create tablespace small location '${disk.folder}'`)
  if (logDisk) await postgres.moveLog(logDisk.folder)
  const proxy = await startProxy(postgres.port, 'settle_and_claim')
  const neon = await startNeon(postgres.url)
  const drainers = await Promise.all(Array.from({ length: drainerCount }, () => startDrainer()))
  return {
    postgres,
    proxy,
    neon,
    drainers,
    disk,
    logDisk,
    async stop() {
      await Promise.all(drainers.map((drainer) => drainer.kill()))
      await neon.stop()
      await proxy.stop()
      await postgres.stop()
      await disk?.unmount()
      await logDisk?.unmount()
    },
  }
}

async function smallDisk(megabytes: number, { folder }: Postgres): Promise<Disk | undefined> {
  const disk = await mountDisk(megabytes, folder)
  if (!('refused' in disk)) return disk
  console.warn(`A full disk is raised inside Postgres, and is not real: no small one can be mounted (${disk.refused})`)
  return undefined
}

const drainerCount = 4
/** Longer than anything here takes: what is still unfinished then is stuck. */
const patienceMs = 60_000

/** Lets processes drain while something goes wrong so many times, then lets them finish, and counts in the ledger. */
export async function outcomeOf(fault: Fault, times: number, server: Server): Promise<Outcome> {
  const { postgres, proxy, neon, drainers } = server
  const database = `chaos_${randomBytes(4).toString('hex')}`
  const url = withDatabase(postgres.url, database)
  const through = new URL(url)
  through.port = String(proxy.port)
  const disk = fault.smallDisk === 'of the database' ? server.disk : undefined
  await once(postgres.url, `create database ${database} ${disk ? 'tablespace small' : ''}`)
  await once(url, faultSchema)
  const deploy = async (version: number) => {
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    const made = createJobMaster({ db: drizzle({ client: pool }), tasks: { chaos: tasksOf(version) } })
    await made.deploy().finally(() => pool.end())
  }
  await deploy(1)
  const beside = await reconnecting(url)
  await keepLedger(beside.sql)
  await beside.sql(
    'create trigger fault before update on jobmaster.jobs for each statement execute function fault.raise()',
  )
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const jobs = createJobMaster({ db: drizzle({ client: pool }), tasks: { chaos } })

  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-chaos-'))
  let starts = 0
  const start = (index: number) => {
    starts += 1
    const runs = join(folder, `runs-${starts}`)
    const [system, units] = Object.entries(systems)[index % Object.keys(systems).length]!
    // Half of them speak Postgres' own protocol, through the proxy; the others Neon's.
    const by = index < 2 ? { url: through.href } : { url, neonPort: neon.port }
    drainers[index]!.start({ system, units, runs, ...by, ...fault.drainer?.(index) })
  }
  const rig: Rig = {
    postgres,
    proxy,
    neon,
    database,
    disk,
    logDisk: server.logDisk,
    sql: beside.sql,
    jobs,
    deploy,
    async killDrainer(index) {
      await drainers[index]!.kill()
      drainers[index] = await startDrainer()
      start(index)
    },
    async raise(sqlstate, oneIn) {
      await beside.sql`update fault.wanted set sqlstate = ${sqlstate}, one_in = ${oneIn}`
    },
    failedWith: async (sqlstate) => (await errorsIn(folder)).filter((one) => one === sqlstate).length,
  }
  let inserted = 0
  const topUp = async () => {
    const [row] = await patiently(
      () => beside.sql`select count(*)::integer as jobs from jobmaster.jobs where status = 'waiting'`,
    )
    if (row!.jobs > 80) return
    await patiently(() => jobs.insertMany(someJobs(inserted, 20)))
    inserted += 20
  }

  await topUp()
  for (const index of drainers.keys()) start(index)
  await fault.begin?.(rig)
  let happened = 0
  const until = Date.now() + patienceMs + times * 2_000
  for (let time = 0; happened < times && Date.now() < until; time += 1) {
    await topUp()
    await sleep(Math.random() * 60)
    happened += (await fault.inject(rig, time)) ?? 1
  }
  await fault.end?.(rig)
  await finish(beside.sql)
  await Promise.all(drainers.map((drainer) => drainer.end()))

  const name = fault.smallDisk && !server.disk ? `${fault.name} (raised)` : fault.name
  const outcome = await counted(name, happened, beside.sql, await runsIn(folder))
  await rm(folder, { recursive: true })
  await pool.end()
  await beside.close()
  await once(postgres.url, `drop database ${database} with (force)`)
  return outcome
}

/** Until nothing is left to do. Time is let pass for what backs off; leases are short as they are. */
async function finish(sql: Sql): Promise<void> {
  const until = Date.now() + patienceMs
  let seconds = 0
  while (Date.now() < until) {
    const [row] = await patiently(
      () => sql`
      select count(*)::integer as unfinished, count(*) filter (where status = 'scheduled')::integer as later
      from jobmaster.jobs
      where finished_at is null`,
    )
    if (row!.unfinished === 0) return
    if (row!.later === row!.unfinished) {
      seconds += 60
      await sql(`create or replace function jobmaster.clock() returns timestamptz language sql volatile as $fn$
        select pg_catalog.clock_timestamp() + interval '${seconds} seconds'
      $fn$`)
    }
    await sleep(50)
  }
}

/** How often each attempt was run, as the processes wrote it down. */
async function runsIn(folder: string): Promise<Map<string, number>> {
  const runs = new Map<string, number>()
  for (const line of await linesIn(folder, /^runs-\d+$/)) runs.set(line, (runs.get(line) ?? 0) + 1)
  return runs
}

/** The SQLSTATEs of the drains that failed. */
function errorsIn(folder: string): Promise<string[]> {
  return linesIn(folder, /\.errors$/)
}

async function linesIn(folder: string, files: RegExp): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => files.test(name))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text) => text.split('\n')).filter((line) => line !== '')
}

async function counted(fault: string, times: number, sql: Sql, runs: Map<string, number>): Promise<Outcome> {
  const [row] =
    await sql`select count(*)::integer as settled from ledger.transitions where was = 'running' and status <> 'waiting'`
  const completed = await sql<{ attempt: string }>`
    select id || ' ' || attempt as attempt from jobmaster.jobs where status = 'completed'`
  // Nothing here throws for good: what failed was lost.
  const failed = await sql<{ line: string }>`
    select format('#%s failed: %s', id, error ->> 'message') as line from jobmaster.jobs where status = 'failed'`
  const lost = [
    ...(await jobsLost(sql)),
    ...failed.map(({ line }) => line),
    ...completed
      .filter(({ attempt }) => !runs.has(attempt))
      .map(({ attempt }) => `#${attempt} completed, and was not run`),
  ]
  const double = [
    ...(await attemptsNotEndedOnce(sql)),
    ...[...runs].filter(([, count]) => count > 1).map(([attempt, count]) => `#${attempt} was run ${count} times`),
  ]
  const over = [...(await unitsAbove(sql, systems)), ...(await jobsAbove(sql, limits))]
  const soon = await beganTooSoon(sql, 'chaos.report', 'chaos.load', ['region', 'n'])
  return {
    fault,
    times,
    settled: row!.settled,
    lost: lost.length,
    doubleSettled: double.length,
    overLimit: over.length,
    tooSoon: soon.length,
    violations: [...lost, ...double, ...over, ...soon],
  }
}

/** Raises what is wanted in one of so many statements, and counts: a sequence is not rolled back. */
const faultSchema = `
  create schema fault;
  create table fault.wanted (sqlstate text, one_in integer not null default 1);
  insert into fault.wanted default values;
  create sequence fault.statements;
  create sequence fault.raised;
  create function fault.raise() returns trigger language plpgsql as $$
  declare
    wanted fault.wanted;
  begin
    select * into wanted from fault.wanted;
    if wanted.sqlstate is not null and nextval('fault.statements') % wanted.one_in = 0 then
      perform nextval('fault.raised');
      raise exception using errcode = wanted.sqlstate, message = 'a fault of the test';
    end if;
    return null;
  end
  $$`

/** A connection that is made anew when it was broken. */
async function reconnecting(url: string): Promise<{ sql: Sql; close(): Promise<void> }> {
  let open = await sqlAt(url)
  let broken = false
  const run = async (...args: unknown[]): Promise<unknown> => {
    if (broken) {
      await open.close().catch(() => {})
      open = await sqlAt(url)
      broken = false
    }
    try {
      return await Reflect.apply(open.sql, undefined, args)
    } catch (error) {
      broken = true
      throw error
    }
  }
  // It is called as the one it wraps.
  return { sql: run as unknown as Sql, close: () => open.close() }
}

/** Again while the server is away. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + patienceMs; ;) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(50)
    }
  }
}

async function once(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query(text).finally(() => client.end())
}

function withDatabase(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = database
  return other.href
}
