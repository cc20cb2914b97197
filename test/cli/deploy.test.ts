import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { project } from './project.ts'

const timeout = 120_000

test(
  'deploy --check says what would change and ends with 4; deploy does it; then there is nothing to do',
  { timeout },
  async () => {
    const { folder, jobmaster, json } = await project({ deploy: false })
    const checked = await jobmaster('deploy', '--check')
    expect(checked).toMatchObject({ code: 4, stderr: '' })
    expect(checked.stdout).toMatch(/\+ migration 0000_init\n[^]*~ SQL functions\n\+ cool\.bar\n/)

    expect(await json('deploy')).toMatchObject({ tasks: { added: expect.arrayContaining(['cool.bar']) } })
    expect(await jobmaster('deploy', '--check')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing to deploy'),
    })

    await writeFile(
      join(folder, 'functions/tasks/cool.ts'),
      `import { task } from 'jobmaster'
     export const foo = task({ params: {}, processUnits: 5, run() {} })
     export const fresh = task({ params: {}, run() {} })`,
    )
    const { stdout } = await jobmaster('deploy', '--check')
    expect(stdout).toContain('+ cool.fresh\n~ cool.foo\n')
    expect(stdout).toContain('process_units: 1 → 5')
    expect(stdout).toContain('- cool.bar (retired')
  },
)

test('a reset asks before it drops, and where there is nobody to ask it wants --yes', { timeout }, async () => {
  const { jobmaster, json } = await project()
  await jobmaster('insert', 'cool.foo', 'a=1', 'b=1')
  const refused = await jobmaster('deploy', '--reset')
  expect(refused).toMatchObject({ code: 5, stdout: '' })
  expect(refused.stderr).toContain('- schema jobmaster, with every job in it')
  expect(refused.stderr).toContain('Drop schema jobmaster with 1 job? Say --yes')
  expect((await json('list')).jobs).toHaveLength(1)

  expect(await jobmaster('deploy', '--reset', '--yes')).toMatchObject({ code: 0 })
  expect((await json('list')).jobs).toEqual([])
})

test('what cannot be deployed is refused with every problem', { timeout }, async () => {
  const { folder, jobmaster } = await project({ deploy: false })
  await writeFile(
    join(folder, 'functions/tasks/cool.ts'),
    `import { dependsOn, task } from 'jobmaster'
     export const foo = task({ params: {}, dependencies: dependsOn('cool.none'), run() {} })
     export const bar = task({ params: {}, dependencies: dependsOn('cool.nowhere'), run() {} })`,
  )
  const { code, stderr } = await jobmaster('deploy')
  expect(code).toBe(1)
  expect(stderr).toContain('cool.none')
  expect(stderr).toContain('cool.nowhere')
})
