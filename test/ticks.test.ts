import { expect, test } from 'vitest'
import { comingTicks, recurrenceProblem } from '../src/ticks.ts'

/** The first ticks after a time, to the minute. */
function ticks(cron: string, timezone: string, after: string, count: number): string[] {
  return comingTicks({ cron, timezone }, new Date(after))
    .slice(0, count)
    .map((tick) => tick.toISOString().slice(0, 16))
}

test('a time in the hour that clocks leave out comes at the end of that hour, that day alone', () => {
  // Berlin, 2026-03-29: 2:00 is 3:00, at 1:00 UTC.
  expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', 3)).toEqual([
    '2026-03-28T01:30',
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ])
})

test('a fixed time in the hour that comes twice comes the first time alone', () => {
  // Berlin, 2026-10-25: 3:00 is 2:00 again, at 1:00 UTC.
  expect(ticks('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00Z', 3)).toEqual([
    '2026-10-24T00:30',
    '2026-10-25T00:30',
    '2026-10-26T01:30',
  ])
})

test('what comes all day goes on through an hour that comes twice, and one that is left out', () => {
  expect(ticks('*/30 * * * *', 'Europe/Berlin', '2026-10-24T23:45Z', 6)).toEqual([
    '2026-10-25T00:00',
    '2026-10-25T00:30',
    '2026-10-25T01:00',
    '2026-10-25T01:30',
    '2026-10-25T02:00',
    '2026-10-25T02:30',
  ])
  // New York, 2026-03-08: 2:00 is 3:00, at 7:00 UTC.
  expect(ticks('0 * * * *', 'America/New_York', '2026-03-08T05:30Z', 3)).toEqual([
    '2026-03-08T06:00',
    '2026-03-08T07:00',
    '2026-03-08T08:00',
  ])
})

// The zones, expressions and moments of croner's own tests of clocks that change (its test/timezone.test.ts).
test.each([
  ['30 2 * * *', 'America/New_York', '2025-03-09T06:00Z', ['2025-03-09T07:00', '2025-03-10T06:30']],
  ['30 1 * * *', 'America/New_York', '2025-11-02T04:00Z', ['2025-11-02T05:30', '2025-11-03T06:30']],
  ['30 1 * * *', 'America/New_York', '2025-11-02T05:31Z', ['2025-11-03T06:30', '2025-11-04T06:30']],
  ['30 1 * * *', 'America/New_York', '2025-11-02T06:00Z', ['2025-11-03T06:30', '2025-11-04T06:30']],
  ['30 1 * * *', 'Europe/London', '2025-03-30T00:00Z', ['2025-03-30T01:00', '2025-03-31T00:30']],
  ['30 1 * * *', 'Europe/London', '2025-10-26T00:00Z', ['2025-10-26T00:30', '2025-10-27T01:30']],
  ['0 * * * *', 'UTC', '2025-10-05T01:00Z', ['2025-10-05T02:00', '2025-10-05T03:00', '2025-10-05T04:00']],
  [
    '* * * * *',
    'America/Los_Angeles',
    '2025-11-02T08:58Z',
    ['2025-11-02T08:59', '2025-11-02T09:00', '2025-11-02T09:01'],
  ],
  [
    '* * * * *',
    'America/Los_Angeles',
    '2025-11-02T09:58Z',
    ['2025-11-02T09:59', '2025-11-02T10:00', '2025-11-02T10:01'],
  ],
])('%s in %s comes after %s where clocks change', (cron, timezone, after, expected) => {
  expect(ticks(cron, timezone, after, expected.length)).toEqual(expected)
})

test('ticks are computed ahead a hundred at a time, for 35 days, and always the next two', () => {
  expect(ticks('* * * * *', 'UTC', '2026-01-01T00:00Z', 1_000)).toHaveLength(100)
  expect(ticks('0 3 * * *', 'UTC', '2026-01-01T00:00Z', 1_000)).toHaveLength(35)
  expect(ticks('0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', 1_000)).toEqual(['2028-02-29T00:00', '2032-02-29T00:00'])
})

test.each([
  ['* * *', 'UTC', /^cron "\* \* \*" is not understood \(.*five/],
  ['61 * * * *', 'UTC', /^cron "61 \* \* \* \*" is not understood \(Invalid value for minute: 61\)/],
  ['* * * * * *', 'UTC', /^cron .* is not understood \(mode '5-part' requires exactly 5 parts/],
  ['', 'UTC', /^cron "" is not understood/],
  ['0 0 30 2 *', 'UTC', /^cron "0 0 30 2 \*" never comes: there is no such day/],
  ['@reboot', 'UTC', /^cron "@reboot" /],
  ['0 3 * * *', 'Mars/Olympus', /^unknown timezone "Mars\/Olympus": give an IANA name, such as "Europe\/Berlin"/],
  ['0 3 * * *', '', /^unknown timezone ""/],
])('cron %j in %j is refused', (cron, timezone, problem) => {
  expect(recurrenceProblem({ cron, timezone })).toMatch(problem)
})

test.each(['@daily', '@hourly', '@weekly', '@monthly', '@yearly', '0 9 * * MON-FRI', '0 0 L * *', '*/5 8-18 * * 1#2'])(
  'cron %j is taken',
  (cron) => {
    expect(recurrenceProblem({ cron, timezone: 'Asia/Kathmandu' })).toBeUndefined()
  },
)
