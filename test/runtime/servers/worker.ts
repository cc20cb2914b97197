import { cloudflare } from 'jobmaster/cloudflare'
import { openWork } from '../application.ts'

interface Limits {
  SUBREQUESTS?: string
}

/** As a Worker is written; only that the plan's limits come from its environment. */
function made(env: object) {
  const { SUBREQUESTS = '10000' } = env as Limits
  return cloudflare(openWork, { basePath: '/jobmaster', subrequests: Number(SUBREQUESTS), subrequestsPerJob: 1 })
}

const worker: ReturnType<typeof cloudflare> = {
  fetch: (request, env, context) => made(env).fetch(request, env, context),
  scheduled: (event, env, context) => made(env).scheduled(event, env, context),
  queue: (batch, env, context) => made(env).queue(batch, env, context),
}

export default worker
