import { vercel } from 'jobmaster/vercel'
import { fetchSource } from '../fetch-source.ts'
import { openJobs } from '../open-jobs.ts'

// As "maxDuration" in vercel.json says.
export const { GET, POST } = vercel(openJobs(fetchSource), { basePath: '/jobmaster', maxDuration: 300 })
