import type { Command } from 'commander'
import type { JobMaster } from '../../jobmaster.ts'
import type { ReportedJob } from '../../report.ts'
import { contextOf, withEntry } from '../context.ts'
import { loop } from '../loop.ts'
import type { DevMessage } from '../dev-worker.ts'
import { wholeNumber } from '../number.ts'
import type { Output } from '../output.ts'
import { planLines } from '../plan-lines.ts'
import { lineOf } from '../progress.ts'
import { serve } from '../serve.ts'

/** Not for people: the process in which `dev` runs the jobs. */
export function addDevWorker(root: Command): void {
  root.command('dev-worker', { hidden: true }).option('--port <port>', '', wholeNumber(0), 3000).action(devWorker)
}

async function devWorker({ port }: { port: number }, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command, { hears: true })
  const finish = new AbortController()
  const stop = new AbortController()
  process.on('message', (message: DevMessage) => {
    finish.abort()
    if (message === 'stop') stop.abort()
  })
  // The command that started it is gone.
  process.once('disconnect', () => finish.abort())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

  await withEntry(context, async (jobs) => {
    await deployed(out, jobs)
    const server = await serve(jobs, port)
    out.answer({ event: 'listening', url: server.url }, () =>
      [
        `${out.color.bold('JobMaster')} ${server.url}/dashboard`,
        out.color.dim('Insert a job from another terminal: npx jobmaster insert <task>'),
      ].join('\n'),
    )
    const options = {
      finish: finish.signal,
      signal: stop.signal,
      settleMs: 500,
      onJob: (job: ReportedJob) => out.answer({ event: 'job', ...job }, () => `  ${lineOf(job)}`),
    }
    try {
      await loop(jobs, options, (error) => out.error(`${out.errorColor.red('error:')} ${error.message}`))
    } finally {
      await server.close()
    }
  })
}

/** What the code says, before it is run. */
async function deployed(out: Output, jobs: JobMaster): Promise<void> {
  const plan = await jobs.deploy()
  out.answer({ event: 'deployed', plan }, () =>
    [...(plan.upToDate ? [] : planLines(out, { ...plan, warnings: [] })), `deployed to schema ${plan.schema}`].join(
      '\n',
    ),
  )
}
