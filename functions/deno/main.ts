import { deno } from 'jobmaster/deno'
import { fetchSource } from '../fetch-source.ts'
import { openJobs } from '../open-jobs.ts'

export default deno(openJobs(fetchSource), { basePath: '/jobmaster', cron: '* * * * *' })
