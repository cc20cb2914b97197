import { cloudflare } from 'jobmaster/cloudflare'
import { fetchSource } from '../fetch-source.ts'
import { openJobs } from '../open-jobs.ts'

// Workers Free: 50 subrequests an invocation. Loading a source makes up to 8 of them, the other tasks one.
export default cloudflare(openJobs(fetchSource), { basePath: '/jobmaster', subrequests: 50, subrequestsPerJob: 8 })
