import { deno } from 'jobmaster/deno'
import { openWork, useLocalNeon } from '../application.ts'

declare const Deno: { env: { get(name: string): string | undefined } }

useLocalNeon(Deno.env.get('NEON_PORT') ?? '')
export default deno(openWork, { basePath: '/jobmaster' })
