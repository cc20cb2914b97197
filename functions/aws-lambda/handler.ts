import { awsLambda } from 'jobmaster/aws-lambda'
import { fetchSource } from '../fetch-source.ts'
import { openJobs } from '../open-jobs.ts'

export const handler = awsLambda(openJobs(fetchSource), { basePath: '/jobmaster' })
