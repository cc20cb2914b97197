import { afterAll, beforeAll, expect, test } from 'vitest'
import { faults } from './faults.ts'
import { type Outcome, outcomeOf, type Server, startServer } from './rig.ts'

/** How often each fault is injected: `npm run test:nightly` asks for 100. */
const times = Number(process.env.JOBMASTER_CHAOS_TIMES ?? 10)

let server: Server
const outcomes: Outcome[] = []
beforeAll(async () => {
  server = await startServer()
}, 60_000)

afterAll(async () => {
  await server.stop()
  console.log(table(outcomes))
})

test.each(faults)(
  '$name: nothing is lost, settled twice, over a limit or too soon',
  async (fault) => {
    const outcome = await outcomeOf(fault, times, server)
    outcomes.push(outcome)
    expect(outcome.violations).toEqual([])
    expect(outcome.times).toBeGreaterThanOrEqual(times)
    expect(outcome.settled).toBeGreaterThan(50)
  },
  60_000 + times * 12_000,
)

function table(rows: Outcome[]): string {
  const cells = [
    ['fault', 'times injected', 'jobs settled', 'lost', 'double-settled', 'over the limit', 'too soon'],
    ...rows.map((row) => [row.fault, row.times, row.settled, row.lost, row.doubleSettled, row.overLimit, row.tooSoon]),
  ].map((row) => row.map(String))
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`).join('\n')
}
