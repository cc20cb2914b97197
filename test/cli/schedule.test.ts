import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { project } from './project.ts'

const timeout = 120_000

test(
  'schedules are listed, paused and resumed, and what is unknown is refused with the nearest',
  { timeout },
  async () => {
    const { folder, jobmaster, json } = await project({ deploy: false })
    await appendFile(
      join(folder, 'functions/tasks/cool.ts'),
      "\nimport { schedule } from 'jobmaster'\nexport const nightly = schedule(foo, { a: 1, b: 2 }, { cron: '0 3 * * *', timezone: 'Europe/Berlin' })\n",
    )
    expect((await jobmaster('deploy')).stdout).toContain('+ schedule cool.nightly')
    expect(await json('schedule')).toMatchObject({
      schedules: [{ schedule: 'cool.nightly', nextTickAt: expect.any(String) }],
    })
    expect(await json('schedule', 'pause', 'cool.nightly')).toMatchObject({ pausedAt: expect.any(String) })
    expect((await jobmaster('schedule', 'list')).stdout).toMatch(
      /cool\.nightly +0 3 \* \* \* +Europe\/Berlin .*never +paused/,
    )
    expect(await json('schedule', 'resume', 'cool.nightly')).toMatchObject({ pausedAt: null })
    expect(await jobmaster('schedule', 'pause', 'cool.nigthly')).toMatchObject({
      code: 2,
      stderr: 'error: unknown schedule cool.nigthly (did you mean cool.nightly?)\n',
    })
  },
)
