import type { JobMaster } from '../jobmaster.ts'

/** An instance that lasts, or what makes one for each invocation from the platform's environment, as edge wants it. */
export type JobsSource = JobMaster | ((env: object) => JobMaster | Promise<JobMaster>)

/** Runs the work with an instance. One that was made for it is closed once the work is over, whatever became of it. */
export async function withJobs<T>(
  source: JobsSource,
  env: object,
  work: (jobs: JobMaster) => T | Promise<T>,
): Promise<T> {
  if (typeof source !== 'function') return work(source)
  const jobs = await source(env)
  try {
    return await work(jobs)
  } finally {
    await jobs.close()
  }
}
