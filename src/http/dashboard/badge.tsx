import type { JobStatus } from '../../job.ts'

/** A status in its colour, and in words. */
export function Badge({
  status,
}: {
  status: JobStatus | 'interrupted' | 'lost' | 'paused' | 'retired' | 'fresh' | 'stale'
}) {
  return <span class={`badge ${status}`}>{status}</span>
}
