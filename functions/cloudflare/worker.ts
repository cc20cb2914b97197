import { cloudflare } from 'jobmaster/cloudflare'
import { neonFetch } from 'jobmaster/neon-fetch'
import { fetchSource } from '../fetch-source.ts'
import { createJobs } from '../jobs.ts'

// Workers Free: 50 subrequests an invocation. Loading a source makes up to 8 of them, the other tasks one.
const limits = { subrequests: 50, subrequestsPerJob: 8 }

// A Worker reads all of its code at each cold start, so Neon is asked with fetch, and not with a driver of 46 KB.
export default cloudflare(
  (env: { DATABASE_URL?: string }) => createJobs(neonFetch(env.DATABASE_URL), { ...env, readSource: fetchSource }),
  { basePath: '/jobmaster', ...limits },
)
