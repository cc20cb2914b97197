import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createDatabase } from '../support/database.ts'
import { sqlAt } from '../support/sql.ts'

test(
  'npm start shows the reports, and the second time does not do again what is fresh',
  { timeout: 60_000 },
  async () => {
    const data = join(await temporaryFolder(), 'data')

    const first = await start(data)
    expect(first).toMatchObject({ code: 0, errors: '' })
    expect(first.output).toContain('completed weather.month')
    expect(first.output).toMatch(/New York +Jul/)
    expect(first.output).toMatch(/Seattle +Aug/)
    expect(first.output).toMatch(/weather\.month +24 +0\n/)
    expect(first.output).toContain('36 jobs completed')

    const second = await start(data)
    expect(second).toMatchObject({ code: 0, errors: '' })
    expect(second.output).not.toContain('completed weather.month')
    expect(second.output).toMatch(/weather\.month +0 +24 +done /)
    expect(second.output).toMatch(/flights\.load +0 +2 +done /)
    expect(second.output).toMatch(/reports\.delays +1 +0\n/)
    expect(second.output).toContain('3 jobs completed; 33 more were fresh and not done again')
  },
)

test('with DATABASE_URL npm start works there', { timeout: 60_000 }, async () => {
  const database = await createDatabase()
  onTestFinished(() => database.drop())
  const { code, output, errors } = await start('unused', { DATABASE_URL: database.url })
  expect({ code, errors }).toEqual({ code: 0, errors: '' })
  expect(output).toContain(`/${database.name}`)
  expect(output).not.toContain('postgres:postgres')
  expect(output).toContain('36 jobs completed')
})

test('a job that fails ends it with the reason', { timeout: 60_000 }, async () => {
  const database = await createDatabase()
  const { sql, close } = await sqlAt(database.url)
  onTestFinished(async () => {
    await close()
    await database.drop()
  })
  const env = { DATABASE_URL: database.url }
  await start('unused', env)
  await sql(`
    drop table reports.punctuality;
    create function once() returns trigger language plpgsql as 'begin new.max_attempts := 1; return new; end';
    create trigger once before insert on jobmaster.jobs for each row execute function once()`)

  const { code, errors } = await start('unused', env)
  expect(code).toBe(1)
  expect(errors).toMatch(/reports\.delays, job \d+: .*punctuality/)
})

test('a database that cannot be reached ends it with the reason and the next step', { timeout: 60_000 }, async () => {
  const { code, errors } = await start('unused', { DATABASE_URL: 'postgres://127.0.0.1:1/nothing' })
  expect(code).toBe(1)
  expect(errors).toContain('ECONNREFUSED')
  expect(errors).toContain('Check DATABASE_URL')
})

test('a folder that another process has open is refused, naming the process', { timeout: 60_000 }, async () => {
  const data = join(await temporaryFolder(), 'data')
  await writeFile(`${data}.lock`, String(process.pid))
  const { code, errors } = await start(data)
  expect(code).toBe(1)
  expect(errors).toContain(`in use by process ${process.pid}`)
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobmaster-start-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Runs what `npm start` runs. */
function start(data: string, env: NodeJS.ProcessEnv = {}): Promise<{ code: number; output: string; errors: string }> {
  const script = fileURLToPath(new URL('../../functions/start.ts', import.meta.url))
  const { DATABASE_URL, FORCE_COLOR, ...inherited } = process.env
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--conditions=jobmaster-source', script, '--data', data],
      { env: { ...inherited, NO_COLOR: '1', ...env } },
      (error, output, errors) => done({ code: error ? Number(error.code) : 0, output, errors }),
    )
  })
}
