import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import pg from 'pg'
import { WebSocketServer, type WebSocket } from 'ws'
import { Statements } from './statements.ts'

/** A local server that speaks Neon's two protocols in front of a real Postgres. */
export interface Neon {
  port: number
  /** For `neonConfig.fetchEndpoint`. */
  fetchEndpoint: string
  /** For `neonConfig.wsProxy`. */
  wsProxy(host: string, port: string | number): string
  /** What clients sent to one database. */
  statementsOf(database: string): Statements
  /** How many WebSockets to one database are open. */
  socketsOf(database: string): number
  /** Breaks every WebSocket to one database, as a proxy that restarts does. */
  cutSockets(database: string): void
  /** Answers the next HTTP requests for one database with an error instead: each fault is used once, in order. */
  fail(database: string, ...faults: Fault[]): void
  /** How many of those are still to come. */
  failing(database: string): number
  stop(): Promise<void>
}

/**
 * What goes wrong with an HTTP request: it is answered with an error, or its connection is cut. It is not even run, or run
 * and the answer lost, or run a moment later.
 */
export interface Fault {
  status: 429 | 500 | 502 | 503 | 'cut'
  run?: boolean | 'late'
}

/** Serve Neon's protocols on a free loopback port; every connection goes to the server of `upstream`. */
export async function startNeon(upstream: string, connections = 20, idleMs = 1_000): Promise<Neon> {
  const { hostname, port: upstreamPort } = new URL(upstream)
  const pools = new Map<string, pg.Pool>()
  const recorded = new Map<string, Statements>()
  const faults = new Map<string, Fault[]>()
  const open = new Map<WebSocket, string>()

  const statementsOf = (database: string) => {
    const statements = recorded.get(database) ?? new Statements()
    recorded.set(database, statements)
    return statements
  }
  const poolOf = (connectionString: string) => {
    const url = new URL(connectionString)
    url.hostname = hostname
    url.port = upstreamPort
    url.search = ''
    let pool = pools.get(url.href)
    if (!pool) {
      pool = new pg.Pool({ connectionString: url.href, max: connections, idleTimeoutMillis: idleMs })
      pool.on('error', () => {})
      // One that is in use and breaks fails its statement; unheard, its event would end the run.
      pool.on('connect', (client) => client.on('error', () => {}))
      pools.set(url.href, pool)
    }
    return pool
  }

  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' })
      response.end(JSON.stringify(body))
    }
    try {
      if (request.method !== 'POST' || request.url !== '/sql') return answer(404, { message: 'not found' })
      const connectionString = header(request, 'neon-connection-string')
      if (!connectionString) return answer(400, { message: 'missing Neon-Connection-String' })
      const body = await readJson(request)
      const database = new URL(connectionString).pathname.slice(1)
      const run = () => runHttp(poolOf(connectionString), body, request, statementsOf(database))
      const fault = faults.get(database)?.shift()
      if (fault) {
        if (fault.run === 'late') setTimeout(() => run().catch(() => {}), 300)
        else if (fault.run) await run()
        if (fault.status === 'cut') return response.destroy()
        return answer(fault.status, { message: fault.run ? 'run, and the answer lost' : 'not run' })
      }
      const result = await run()
      answer(200, result)
    } catch (error) {
      if (error instanceof pg.DatabaseError) answer(400, errorFields(error))
      else answer(500, { message: String(error) })
    }
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('close', () => open.delete(socket))
    pipe(socket, hostname, Number(upstreamPort), (database) => {
      open.set(socket, database)
      return statementsOf(database)
    })
  })
  const socketsOf = (database: string) => [...open].filter(([, name]) => name === database).map(([socket]) => socket)

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    port,
    fetchEndpoint: `http://127.0.0.1:${port}/sql`,
    wsProxy: (host, to) => `127.0.0.1:${port}/v2?address=${host}:${to}`,
    statementsOf,
    socketsOf: (database) => socketsOf(database).length,
    cutSockets: (database) => socketsOf(database).forEach((socket) => socket.terminate()),
    failing: (database) => faults.get(database)?.length ?? 0,
    fail: (database, ...more) => faults.set(database, [...(faults.get(database) ?? []), ...more]),
    async stop() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

interface Query {
  query: string
  params?: unknown[]
}

/** What discard all does, but that plans stay, as they do in the connections that Neon's own proxy keeps. */
const resetSession =
  'close all; set session authorization default; reset all; deallocate all; unlisten *; select pg_advisory_unlock_all(); discard temp; discard sequences'

async function runHttp(
  pool: pg.Pool,
  body: Query | { queries: Query[] },
  request: IncomingMessage,
  statements: Statements,
): Promise<object> {
  const client = await pool.connect()
  const run = async ({ query, params = [] }: Query) => {
    statements.record(query)
    const array = header(request, 'neon-array-mode') === 'true'
    const raw = header(request, 'neon-raw-text-output') === 'true'
    const result = await client.query({
      text: query,
      values: params,
      // Neon never takes the simple protocol, so several statements in one text are refused.
      queryMode: 'extended',
      ...(array ? { rowMode: 'array' } : {}),
      ...(raw ? { types: { getTypeParser: () => (value: string) => value } } : {}),
    } as pg.QueryConfig)
    const fields = result.fields.map((field) => ({ ...field }))
    return { command: result.command, rowCount: result.rowCount, rows: result.rows, fields, rowAsArray: array }
  }
  let broken: Error | undefined
  try {
    if (!('queries' in body)) return await run(body)
    await client.query(`begin ${transactionMode(request)}`)
    try {
      const results = []
      for (const query of body.queries) results.push(await run(query))
      await client.query('commit')
      return { results }
    } catch (error) {
      await client.query('rollback')
      throw error
    }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) broken = error as Error
    throw error
  } finally {
    // Over HTTP there is no session: nothing that a query set is there for the next one.
    await client.query(resetSession).catch((error: Error) => (broken = error))
    client.release(broken)
  }
}

function transactionMode(request: IncomingMessage): string {
  const levels: Record<string, string> = {
    ReadUncommitted: 'isolation level read uncommitted',
    ReadCommitted: 'isolation level read committed',
    RepeatableRead: 'isolation level repeatable read',
    Serializable: 'isolation level serializable',
  }
  return [
    levels[header(request, 'neon-batch-isolation-level') ?? ''],
    header(request, 'neon-batch-read-only') === 'true' ? 'read only' : undefined,
    header(request, 'neon-batch-deferrable') === 'true' ? 'deferrable' : undefined,
  ]
    .filter(Boolean)
    .join(' ')
}

/** The WebSocket carries the bytes of Postgres's own protocol, startup message included. */
function pipe(socket: WebSocket, host: string, port: number, statementsOf: (database: string) => Statements): void {
  // The driver sends each message of a statement by itself: joined by Nagle's algorithm they would wait 40 ms.
  const postgres = connect({ port, host, noDelay: true })
  const read = frontendReader(statementsOf)
  socket.on('message', (data) => {
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
    read(bytes)
    postgres.write(bytes)
  })
  postgres.on('data', (bytes) => socket.send(bytes))
  socket.on('close', () => postgres.destroy())
  socket.on('error', () => postgres.destroy())
  postgres.on('close', () => socket.close())
  postgres.on('error', () => socket.close())
}

/** Reads what a client sends, to record the statements in it: simple queries (Q) and bound ones (P, then B). */
function frontendReader(statementsOf: (database: string) => Statements): (bytes: Buffer) => void {
  let pending = Buffer.alloc(0)
  let statements: Statements | undefined
  const prepared = new Map<string, string>()
  const cString = (bytes: Buffer, from: number) => bytes.toString('utf8', from, bytes.indexOf(0, from))

  return (bytes) => {
    pending = Buffer.concat([pending, bytes])
    for (;;) {
      const typed = statements ? 1 : 0 // the startup message alone has no type byte
      if (pending.length < typed + 4) return
      const length = pending.readInt32BE(typed) + typed
      if (pending.length < length) return
      const message = pending.subarray(0, length)
      pending = pending.subarray(length)
      if (!statements) {
        const words = message.toString('utf8', 8).split('\0')
        statements = statementsOf(words[words.indexOf('database') + 1] ?? '')
        continue
      }
      const type = String.fromCharCode(message[0] ?? 0)
      if (type === 'Q') statements.record(cString(message, 5))
      if (type === 'P') {
        const name = cString(message, 5)
        prepared.set(name, cString(message, 5 + Buffer.byteLength(name) + 1))
      }
      if (type === 'B') {
        const portal = cString(message, 5)
        statements.record(prepared.get(cString(message, 5 + Buffer.byteLength(portal) + 1)) ?? '')
      }
    }
  }
}

const errorNames = [
  'message',
  'code',
  'severity',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

function errorFields(error: pg.DatabaseError): object {
  return Object.fromEntries(errorNames.map((name) => [name, error[name]]))
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

async function readJson(request: IncomingMessage): Promise<Query | { queries: Query[] }> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
