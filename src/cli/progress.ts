import { SingleBar } from 'cli-progress'
import type { JobMaster } from '../jobmaster.ts'
import type { ReportedJob } from '../report.ts'
import { type Output, plain } from './output.ts'

/** Jobs as they settle: a bar on a terminal, a line each elsewhere, nothing where JSON is asked for. */
export interface Progress {
  onJob(job: ReportedJob): void
  close(): void
}

export function openProgress(out: Output, jobs: JobMaster): Progress {
  if (out.json) return { onJob() {}, close() {} }
  if (process.stderr.isTTY !== true) return { onJob: (job) => out.note(`  ${lineOf(job)}`), close() {} }
  return bar(out, jobs)
}

function bar({ errorColor: color }: Output, jobs: JobMaster): Progress {
  const tally = new Map<string, number>()
  let done = 0
  const shown = new SingleBar({
    format: (_, { value, total }, { tasks }: { tasks?: string }) => {
      const filled = total > 0 ? Math.round((value / total) * 20) : 0
      return `${color.green('█'.repeat(filled))}${color.dim('░'.repeat(20 - filled))} ${value}/${total} ${tasks ?? ''}`
    },
    stream: process.stderr,
    hideCursor: true,
    fps: 15,
    // An interrupt is the command's to answer.
    gracefulExit: false,
  })
  shown.start(0, 0)
  const update = () => {
    shown.setTotal(Math.max(shown.getTotal(), done))
    shown.update(done, { tasks: [...tally].map(([task, count]) => `${task} ${color.green(count)}`).join(' · ') })
  }
  // How much there is changes while it is done: dependencies come about, ALL jobs become many.
  const look = async () => {
    const { waiting, blocked, running } = (await jobs.status()).jobs
    shown.setTotal(done + waiting + blocked + running)
    update()
  }
  // Where it cannot be asked, what runs says so.
  const looking = setInterval(() => look().catch(() => {}), 1_000)
  look().catch(() => {})
  return {
    onJob(job) {
      done += 1
      tally.set(job.task, (tally.get(job.task) ?? 0) + 1)
      update()
    },
    close() {
      clearInterval(looking)
      update()
      shown.stop()
    },
  }
}

export function lineOf({ id, task, status, durationMs, error }: ReportedJob): string {
  const said = error ? `: ${plain(error.message)}` : ''
  const outcome = status === 'scheduled' ? 'to be tried again' : status
  return `${outcome} ${task} #${id} (${Math.round(durationMs)} ms)${said}`
}
