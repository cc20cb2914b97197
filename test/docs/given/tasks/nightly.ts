import { schedule } from 'jobmaster'
import { foo } from './cool.ts'

// Not among the tasks of cool.ts: with it there, a page's test that lets hours pass would insert a tick at some hours of
// the day.
export const nightly = schedule(foo, { a: 1, b: 'ALL' }, { cron: '0 3 * * *', timezone: 'Europe/Berlin' })
