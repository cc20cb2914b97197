import { SingleBar } from 'cli-progress'
import color from 'picocolors'

interface SettledJob {
  id: number
  task: string
  status: string
  durationMs: number
}

interface Progress {
  onJob(job: SettledJob): void
  /** Says why nothing happens. */
  note(text: string): void
  close(): void
}

/** Shows jobs as they settle: one live line on a terminal, a line each elsewhere. Jobs appear while others run, so there is no total. */
export function openProgress(): Progress {
  if (!process.stdout.isTTY) {
    return { onJob: (job) => console.log(`  ${lineOf(job)}`), note: (text) => console.log(`  ${text}`), close() {} }
  }

  let noted = 'Looking for jobs'
  const tally = new Map<string, number>()
  const line = new SingleBar({
    format: () => {
      const counts = [...tally].map(([task, count]) => `${task} ${color.green(count)}`)
      return `  ${[...counts, ...(noted ? [color.dim(noted)] : [])].join(' · ')}`
    },
    fps: 20,
    hideCursor: true,
  })
  line.start(0, 0)
  return {
    onJob(job) {
      noted = ''
      tally.set(job.task, (tally.get(job.task) ?? 0) + 1)
      line.update(0)
    },
    note(text) {
      noted = text
      line.update(0)
    },
    close() {
      line.stop()
    },
  }
}

function lineOf({ id, task, status, durationMs }: SettledJob): string {
  return `${status} ${task} (job ${id}, ${Math.round(durationMs)} ms)`
}
