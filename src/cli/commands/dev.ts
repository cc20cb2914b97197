import { watch } from 'node:fs'
import { dirname, relative } from 'node:path'
import type { Command } from 'commander'
import { contextOf } from '../context.ts'
import { openCommandDatabase } from '../database.ts'
import { DevWorker } from '../dev-worker.ts'
import { entryFile } from '../entry.ts'
import { onInterrupt } from '../interrupt.ts'
import { wholeNumber } from '../number.ts'

interface DevFlags {
  port: number
}

export function addDev(root: Command): void {
  root
    .command('dev')
    .description('run jobs here while you write them: deploys and starts anew at each change')
    .option('--port <port>', 'where the HTTP app listens, on this machine alone', wholeNumber(0), 3000)
    .action(dev)
}

/**
 * Keeps the database and watches; the jobs run in a process of their own, which is replaced at each change, so that
 * nothing of the old code is left.
 */
async function dev({ port }: DevFlags, command: Command): Promise<void> {
  const { out, project, entry, verbose } = contextOf(command, { hears: true })
  const file = entryFile(project, entry)
  const database = await openCommandDatabase(project)
  out.note(
    database.embedded
      ? `Postgres: embedded, its data in ${relative('', project) || '.'}/.jobmaster`
      : 'Postgres: the one that DATABASE_URL names',
  )
  const worker = new DevWorker([
    '--entry',
    file,
    '--port',
    String(port),
    ...(out.json ? ['--json'] : []),
    ...(verbose ? ['--verbose'] : []),
  ])
  const watching = changesIn(dirname(file), (changed) => {
    out.note(`${out.errorColor.cyan('changed')} ${relative('', changed)}`)
    worker.restart()
  })
  const stopped = Promise.withResolvers<void>()
  const interrupt = onInterrupt((time) => {
    out.note(
      time === 'first'
        ? '\nFinishing what runs; nothing more is started. Ctrl-C again stops at once.'
        : '\nStopping: what does not end at once is left to its lease.',
    )
    stopped.resolve()
    if (time === 'first') worker.finish()
    else worker.stop()
  })
  try {
    worker.start()
    await stopped.promise
    await worker.ended()
    process.exitCode = interrupt.exitCode() ?? 0
  } finally {
    watching.close()
    interrupt.close()
    await database.close()
  }
}

const sources = /\.([cm]?[jt]sx?|json|sql)$/

/** Tells of changes to sources below a folder, once for what changes together. */
function changesIn(folder: string, changed: (file: string) => void): { close(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const watcher = watch(folder, { recursive: true }, (_, name) => {
    if (name === null || !sources.test(name) || /(^|[/\\])(node_modules|\.[^/\\]+|dist)[/\\]/.test(name)) return
    clearTimeout(timer)
    timer = setTimeout(() => changed(`${folder}/${name}`), 100)
  })
  return {
    close() {
      clearTimeout(timer)
      watcher.close()
    },
  }
}
