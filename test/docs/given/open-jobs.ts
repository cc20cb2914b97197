import { createJobMaster, type JobMaster } from 'jobmaster'
import { db } from './db.ts'
import * as cool from './tasks/cool.ts'

export const openJobs = (env: object): JobMaster => createJobMaster({ db, env, tasks: { cool } })
