import { cloudflare } from 'jobmaster/cloudflare'
import { openWork } from '../application.ts'

interface Bindings {
  SUBREQUESTS?: string
  GOES_ON?: string
  SELF: { fetch(request: Request): Promise<Response> }
}

/** As a Worker is written; only that some of its options come from its environment. */
function made(env: object) {
  // What startWorker binds.
  const { SUBREQUESTS = '10000', GOES_ON, SELF } = env as Bindings
  return cloudflare(openWork, {
    basePath: '/jobmaster',
    subrequests: Number(SUBREQUESTS),
    subrequestsPerJob: 1,
    ...(GOES_ON && {
      continueWith: { url: 'https://worker/jobmaster/drain', fetch: (request: Request) => SELF.fetch(request) },
    }),
  })
}

const worker: ReturnType<typeof cloudflare> = {
  fetch: (request, env, context) => made(env).fetch(request, env, context),
  scheduled: (event, env, context) => made(env).scheduled(event, env, context),
  queue: (batch, env, context) => made(env).queue(batch, env, context),
}

export default worker
