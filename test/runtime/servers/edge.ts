import { vercel } from 'jobmaster/vercel'
import { openWork, useLocalNeon } from '../application.ts'

// What Vercel puts there; esbuild writes the values in.
declare const ENV: Record<string, string>

useLocalNeon(ENV.NEON_PORT ?? '')
const app = vercel(() => openWork(ENV), { basePath: '/jobmaster', maxDuration: 25 })
addEventListener('fetch', (event: Event) => {
  const fetched = event as Event & { request: Request; respondWith(response: Promise<Response>): void }
  fetched.respondWith(app.fetch(fetched.request))
})
