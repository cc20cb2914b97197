import { SingleBar } from 'cli-progress'
import color from 'picocolors'

interface SettledJob {
  id: number
  task: string
  status: string
  durationMs: number
}

/** Shows jobs as they settle: one live line on a terminal, a line each elsewhere. Jobs appear while others run, so there is no total. */
export function openProgress(): { onJob(job: SettledJob): void; close(): void } {
  if (!process.stdout.isTTY) return { onJob: (job) => console.log(`  ${lineOf(job)}`), close() {} }

  const tally = new Map<string, number>()
  const line = new SingleBar({
    format: () => {
      const counts = [...tally].map(([task, count]) => `${task} ${color.green(count)}`)
      return `  ${counts.join(' · ') || 'Looking for jobs'}`
    },
    fps: 20,
    hideCursor: true,
  })
  line.start(0, 0)
  return {
    onJob(job) {
      tally.set(job.task, (tally.get(job.task) ?? 0) + 1)
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
