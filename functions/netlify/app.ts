import { netlify } from 'jobmaster/netlify'
import { fetchSource } from '../fetch-source.ts'
import { openJobs } from '../open-jobs.ts'

export const { http, scheduled, background } = netlify(openJobs(fetchSource), { basePath: '/jobmaster' })
