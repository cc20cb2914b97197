import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault as NeonFault } from '../support/neon.ts'
import type { Trouble } from '../support/proxy.ts'
import { type Fault, patiently, type Rig } from './rig.ts'

/** Everything that is injected, in the order of the table. */
export const faults: Fault[] = [
  {
    name: 'an invocation is killed',
    inject: ({ killDrainer }, time) => killDrainer(time % 4),
  },
  {
    name: 'Postgres crashes and recovers',
    async inject({ postgres }) {
      await postgres.restart('immediate')
      await sleep(300)
    },
  },
  connection('the connection is cut before a statement arrives', 'cut before', { status: 'cut' }),
  connection('the connection is cut after a commit, before its answer', 'cut after', { status: 'cut', run: true }),
  connection('the connection is cut, and the statement arrives late', 'arrives late', { status: 'cut', run: 'late' }),
  connection('a connection is half open', 'half open'),
  connection('a connection is slow', 'slow'),
  neon('Neon answers 429', { status: 429 }),
  neon('Neon answers 500, and has not run it', { status: 500 }),
  neon('Neon answers 503, and has run it', { status: 503, run: true }),
  {
    name: 'a deadlock with another session',
    async inject({ sql }) {
      const before = await deadlocks(sql)
      await crossLock(sql)
      return (await deadlocks(sql)) - before
    },
  },
  raised('a serialization failure', '40001', 7),
  fullDisk('the disk is full'),
  {
    name: 'the disk of the write-ahead log is full',
    smallDisk: 'of the log',
    async inject({ postgres, logDisk, sql }) {
      logDisk?.fill()
      await panic(sql, logDisk !== undefined)
      await sleep(100)
      await logDisk?.free()
      await postgres.recover()
      await sleep(200)
    },
  },
  {
    name: 'the database is read-only for a moment',
    async inject({ sql }) {
      await readOnly(sql, true)
      await sleep(100)
      await readOnly(sql, false)
      await sleep(150)
    },
    end: ({ sql }) => readOnly(sql, false),
  },
  {
    name: 'clocks of invocations are an hour off',
    drainer: (index) => ({ clockMs: [3_600_000, -3_600_000, 0, 1_800_000][index % 4]!, deadlineMs: 100 }),
    inject: () => sleep(100),
  },
  {
    name: 'a handler blocks its invocation past the deadline',
    drainer: () => ({ deadlineMs: 300 }),
    async inject({ jobs }, n) {
      await jobs.insert('chaos.blocking', { n }, { priority: 100 })
      await sleep(150)
    },
  },
  {
    name: 'two deploys at once, beside drains',
    async inject({ deploy }) {
      await Promise.all([deploy(1), deploy(1)])
    },
    drainer: () => ({ deadlineMs: 400 }),
  },
  {
    name: 'a rolling deploy, old and new side by side',
    drainer: (index) => ({ version: 1 + (index % 2), deadlineMs: 400 }),
    async inject({ deploy }, time) {
      await deploy(1 + ((time + 1) % 2))
      await sleep(100)
    },
  },
]

/** On the way of node-postgres, and where there is such a thing every second time on that of Neon's HTTP. */
function connection(name: string, trouble: Trouble, http?: NeonFault): Fault {
  return {
    name,
    inject: (rig, time) =>
      http && time % 2 === 1
        ? failed(rig, http)
        : Promise.race([rig.proxy.next(trouble).then(() => 1), sleep(2_000, 0)]),
  }
}

function neon(name: string, fault: NeonFault): Fault {
  return { name, inject: (rig) => failed(rig, fault) }
}

/** Until a request has met it. */
async function failed({ neon, database }: Rig, fault: NeonFault): Promise<number> {
  neon.fail(database, fault)
  for (const until = Date.now() + 2_000; Date.now() < until; await sleep(5)) {
    if (neon.failing(database) === 0) return 1
  }
  return 0
}

function raised(name: string, sqlstate: string, oneIn: number): Fault {
  return {
    name,
    begin: ({ raise }) => raise(sqlstate, oneIn),
    async inject({ sql }) {
      const before = await raisedSoFar(sql)
      await sleep(100)
      return (await raisedSoFar(sql)) - before
    },
    async end({ sql }) {
      await patiently(() => sql`update fault.wanted set sqlstate = null`)
    },
  }
}

/** Of the small disk that its database is on, until a drain has failed of it; raised where there is no such disk. */
function fullDisk(name: string): Fault {
  const otherwise = raised(name, '53100', 7)
  return {
    name,
    smallDisk: 'of the database',
    begin: async (rig) => {
      if (!rig.disk) await otherwise.begin?.(rig)
    },
    async inject(rig, time) {
      const { disk, failedWith } = rig
      if (!disk) return otherwise.inject(rig, time)
      const before = await failedWith('53100')
      disk.fill()
      let failed = false
      for (const until = Date.now() + 2_000; !failed && Date.now() < until; await sleep(5)) {
        failed = (await failedWith('53100')) > before
      }
      await disk.free()
      return failed ? 1 : 0
    },
    end: async (rig) => {
      if (!rig.disk) await otherwise.end?.(rig)
    },
  }
}

/**
 * Writes to the log until it has to grow, and Postgres stops for want of room. Where its disk is not full, a session of its
 * own is ended as Postgres ends one that cannot write.
 */
async function panic(sql: Rig['sql'], full: boolean): Promise<void> {
  const [row] = await patiently(() => sql`select pg_backend_pid() as pid`)
  if (!full) process.kill(row!.pid, 'SIGABRT')
  for (const until = Date.now() + 5_000; ;) {
    try {
      await sql`select pg_logical_emit_message(false, 'fault', 'x'), pg_switch_wal()`
    } catch {
      return
    }
    if (Date.now() > until) throw new Error('Postgres did not stop, though its log cannot grow')
  }
}

async function raisedSoFar(sql: Rig['sql']): Promise<number> {
  const [row] = await sql`select case when is_called then last_value else 0 end::integer as raised from fault.raised`
  return row!.raised
}

async function deadlocks(sql: Rig['sql']): Promise<number> {
  await sql`select pg_stat_clear_snapshot()`
  const [row] = await sql`select deadlocks::integer from pg_stat_database where datname = current_database()`
  return row!.deadlocks
}

/** Locks two running jobs against the order of their ids, in which a settle locks them. */
async function crossLock(sql: Rig['sql']): Promise<void> {
  try {
    await sql`begin`
    const [last] = await sql`select id from jobmaster.jobs where status = 'running' order by id desc limit 1 for update`
    await sleep(30)
    await sql`select id from jobmaster.jobs where status = 'running' and id < ${last?.id ?? 0} order by id limit 3 for update`
  } catch {
    // Of the two it was this one that Postgres chose.
  }
  await sql`rollback`
  await sleep(10)
}

async function readOnly(sql: Rig['sql'], on: boolean): Promise<void> {
  await sql(`alter system set default_transaction_read_only = ${on ? 'on' : 'off'}`)
  await sql`select pg_reload_conf()`
}
