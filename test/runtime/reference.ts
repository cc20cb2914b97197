import { createApp } from 'jobmaster/http'
import { onTestFinished, vi } from 'vitest'
import { setup } from '../support/jobs.ts'
import { secrets, tasks } from './application.ts'
import { type Answer, answersOf, over } from './requests.ts'

/** A fresh, deployed database, and the environment that a platform gives a function: its address and the secrets. */
export async function platform() {
  const made = await setup(tasks)
  const env = { ...secrets, DATABASE_URL: made.url }
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  return { ...made, env }
}

/** What the app answers to the list by itself, on no platform. */
export async function referenceAnswers(): Promise<Answer[]> {
  const { jobs, env } = await platform()
  const app = createApp(jobs, { basePath: '/jobmaster', onError: () => {} })
  return answersOf(over('https://app.example/jobmaster', async (request) => app.request(request, {}, env)))
}
