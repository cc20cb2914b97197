import { node } from 'jobmaster/node'
import { openWork, useLocalNeon } from '../application.ts'

useLocalNeon(process.env.NEON_PORT ?? '')
const server = await node(openWork, { basePath: '/jobmaster', port: 0 })
console.log(`listening at ${server.url}`)
process.once('SIGTERM', () => void server.close())
