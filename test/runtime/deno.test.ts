import { deno } from 'jobmaster/deno'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openWork, work } from './application.ts'
import { platform } from './reference.ts'

test('Deno.cron is given the schedule, and what it calls drains', async () => {
  const { jobs, env } = await platform()
  const crons: { schedule: string; handler: () => Promise<unknown> }[] = []
  const cron = async (_name: string, schedule: string, handler: () => Promise<unknown>) => {
    crons.push({ schedule, handler })
  }
  vi.stubGlobal('Deno', { env: { toObject: () => env }, cron })
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  deno(openWork, { cron: '* * * * *' })
  await jobs.insert(work.note, { number: 1 })
  expect(crons.map(({ schedule }) => schedule)).toEqual(['* * * * *'])
  expect(await crons[0]!.handler()).toMatchObject({ completed: 1 })
})

test('where there is no Deno.cron, asking for one says what to add', () => {
  expect(() => deno(openWork, { cron: '* * * * *' })).toThrow('add "unstable": ["cron"] to deno.json')
})
