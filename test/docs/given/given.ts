import { createJobMaster } from 'jobmaster'
import { db } from './db.ts'
import * as cool from './tasks/cool.ts'
import * as mail from './tasks/mail.ts'
import { nightly } from './tasks/nightly.ts'
import * as things1 from './tasks/things1.ts'

/** What a block may speak of without saying where it is from. */
export * as v from 'valibot'
export { eq } from 'drizzle-orm'
export { createJobMaster, dependsOn, same, schedule, task } from 'jobmaster'
export { orders, receipts } from './schema.ts'
export { cool, db, mail }
export const tasks = { cool: { ...cool, nightly }, mail, things1 }
export const jobs = createJobMaster({ db, tasks })

export const charge = async (order: number) => ({ id: order })
