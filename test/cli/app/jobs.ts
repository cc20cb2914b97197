import { createJobMaster } from 'jobmaster'
import { fromEnv, type FromEnvOptions } from 'jobmaster/from-env'
import * as cool from './tasks/cool.ts'

export async function openJobs(env: object, options: FromEnvOptions = {}) {
  return createJobMaster({ ...(await fromEnv(env, options)), env, tasks: { cool } })
}
