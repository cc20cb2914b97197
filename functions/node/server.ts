import { node } from 'jobmaster/node'
import { openJobs } from '../open-jobs.ts'
import { readSource } from '../sources.ts'

const { PORT = '3000', HOST = '127.0.0.1' } = process.env
const jobs = await openJobs(readSource)(process.env)
const listen = { port: Number(PORT), hostname: HOST }
const server = await node(jobs, { basePath: '/jobmaster', ...listen, drainEveryMs: 60_000 })
console.log(`JobMaster listens at ${server.url}/jobmaster, and drains each minute`)

async function stop(): Promise<void> {
  await server.close()
  await jobs.close()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
