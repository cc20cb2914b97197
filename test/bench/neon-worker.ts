/** The proxy has a thread of its own, as what it stands for has a machine of its own. */
import { parentPort, workerData } from 'node:worker_threads'
import { startNeon } from '../support/neon.ts'

// It keeps its connections from round to round, as the pooler in front of Neon does.
const server = await startNeon(String(workerData), 100, 0)
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.postMessage({ fetchEndpoint: server.fetchEndpoint, wsProxy: server.wsProxy('localhost', 5432) })
