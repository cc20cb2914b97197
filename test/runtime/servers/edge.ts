import { vercel } from 'jobmaster/vercel'
import { openWork, useLocalNeon } from '../application.ts'

useLocalNeon(process.env.NEON_PORT ?? '')
const app = vercel(openWork, { basePath: '/jobmaster', maxDuration: 25 })

// A function of Vercel's edge is bundled into a listener like this.
addEventListener('fetch', (event: Event) => {
  const fetched = event as Event & { request: Request; respondWith(response: Promise<Response>): void }
  fetched.respondWith(app.fetch(fetched.request))
})
