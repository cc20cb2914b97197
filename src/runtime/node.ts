import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { createApp, type HttpOptions } from '../http/app.ts'
import { type PlatformInvocation, withInvocation } from '../http/invocation.ts'
import { Problem } from '../http/problem.ts'
import { logged, runDrain } from '../http/run.ts'
import type { JobsSource } from '../http/source.ts'
import { deadlineWithin, processEnv, type WakeAt, waking } from './lifetime.ts'

export interface NodeOptions extends HttpOptions {
  /** 3000 when not given; 0 takes a free one. */
  port?: number
  /** The address to listen on. `127.0.0.1` when not given: nobody else can reach it. */
  hostname?: string
  /** Drains at least so often, in milliseconds, and when a report says that there is something to do. Never when not given. */
  drainEveryMs?: number
  /** How long one drain may take, in milliseconds. A minute when not given: what proxies wait for an answer. */
  limitMs?: number
  /** Arms a one-off wake-up in place of the server's own. */
  wakeAt?: WakeAt
}

export interface NodeServer {
  /** Where it listens. */
  url: string
  /** Stops listening, stops its drains as their deadline would, and waits for them. */
  close(): Promise<void>
}

/** JobMaster as a server of its own, which serves the HTTP app and may also drain on an interval. */
export async function node(jobs: JobsSource, options: NodeOptions = {}): Promise<NodeServer> {
  const { port = 3_000, hostname = '127.0.0.1', drainEveryMs, limitMs = 60_000, wakeAt, ...http } = options
  const app = createApp(jobs, http)
  const env = processEnv()
  const stopping = new AbortController()
  const kept = new Set<Promise<unknown>>()
  const keep = (promise: Promise<unknown>): void => {
    const guarded: Promise<unknown> = promise.catch(http.onError ?? logged).finally(() => kept.delete(guarded))
    kept.add(guarded)
  }

  const invocation = (loopback: boolean): PlatformInvocation => ({
    env,
    deadline: deadlineWithin(limitMs),
    waitUntil: keep,
    signal: stopping.signal,
    loopback,
    drained: waking(wakeAt ?? clock?.wakeAt, env, http.continueWith !== undefined),
  })

  const clock =
    drainEveryMs === undefined
      ? undefined
      : new Clock(drainEveryMs, () => keep(runDrain(jobs, invocation(false), http)))

  const server = createServer((incoming, outgoing) => {
    keep(
      answer(incoming, outgoing, (request) => app.fetch(withInvocation(request, invocation(isLocal(incoming))), env)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, hostname, resolve)
  })
  clock?.start()

  // A server that listens on a port has an address of this kind.
  const { port: listening } = server.address() as AddressInfo
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${listening}`,
    async close() {
      clock?.stop()
      stopping.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      // A connection is idle once its body is read to the end, which may be after its answer.
      const sweep = setInterval(() => server.closeIdleConnections(), 50)
      const late = setTimeout(() => server.closeAllConnections(), patienceMs)
      while (kept.size > 0) await Promise.all(kept)
      await closed
      clearInterval(sweep)
      clearTimeout(late)
    },
  }
}

/** How long a server that closes waits for who does not end a request. Drains have ended by then. */
const patienceMs = 5_000

/** Calls at least so often, and earlier when it is asked to. */
class Clock {
  private readonly everyMs: number
  private readonly tick: () => void
  private timer: ReturnType<typeof setTimeout> | undefined
  private nextAt = Infinity
  private stopped = true

  constructor(everyMs: number, tick: () => void) {
    this.everyMs = everyMs
    this.tick = tick
  }

  start(): void {
    this.stopped = false
    this.wakeAt(new Date())
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  readonly wakeAt = (at: Date): void => {
    if (this.stopped || at.getTime() >= this.nextAt) return
    this.nextAt = at.getTime()
    clearTimeout(this.timer)
    this.timer = setTimeout(
      () => {
        this.nextAt = Infinity
        this.tick()
        this.wakeAt(new Date(Date.now() + this.everyMs))
      },
      Math.max(0, this.nextAt - Date.now()),
    )
  }
}

/**
 * From this machine, asking for it by such a name, and not for a page from elsewhere: a browser lets any page send
 * requests here, though not read the answers, and says whose they are in Origin, or in Sec-Fetch-Site
 * (https://www.w3.org/TR/fetch-metadata).
 */
function isLocal({ socket, headers }: IncomingMessage): boolean {
  const { hostname } = URL.parse(`http://${headers.host ?? ''}`) ?? { hostname: '' }
  const { origin } = headers
  const isForeign =
    headers['sec-fetch-site'] === 'cross-site' ||
    (origin !== undefined && !isLoopback(URL.parse(origin)?.hostname ?? ''))
  const isHere = isLoopback(socket.remoteAddress ?? '') && isLoopback(socket.localAddress ?? '') && isLoopback(hostname)
  return isHere && !isForeign
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || /^(::ffff:)?127(\.\d+){3}$/.test(name) || name === '::1' || name === '[::1]'
}

/** A request of Node's as one of the Web's, and the answer back. */
async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  const request = requestOf(incoming)
  const response = request ? await handle(request) : new Response(null, { status: 400 })
  outgoing.writeHead(response.status, headersOf(response.headers))
  if (response.body && incoming.method !== 'HEAD') {
    // The same streams: Node's types for them are not those of the DOM.
    const body = Readable.fromWeb(response.body as NodeReadableStream)
    // A client that hangs up is none of our errors.
    await pipeline(body, outgoing).catch(() => outgoing.destroy())
  } else {
    outgoing.end()
  }
  dropRest(incoming)
}

/** What nobody reads: left in the socket it would break the connection before the client has seen the answer, or block it. */
function dropRest(incoming: IncomingMessage): void {
  // Of an iterator that nobody asks any more: with its listener the stream would not flow.
  incoming.removeAllListeners('readable')
  incoming.resume()
}

function requestOf(incoming: IncomingMessage): Request | undefined {
  const { method = 'GET', url = '/', rawHeaders } = incoming
  // Put together, not resolved: a path that begins with two slashes would name another host.
  const address = URL.parse(url.startsWith('/') ? `http://${incoming.headers.host ?? 'localhost'}${url}` : url)
  if (!address) return undefined
  const headers = new Headers()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '')
  }
  if (method === 'GET' || method === 'HEAD') return new Request(address, { method, headers })
  try {
    const init = { method, headers, body: bodyOf(incoming), duplex: 'half' }
    return new Request(address, init)
  } catch {
    // A method that fetch forbids, such as TRACE.
    return undefined
  }
}

/** Who reads no further hangs up on nobody: the client would see its connection break instead of the answer. */
function bodyOf(incoming: IncomingMessage): ReadableStream {
  const chunks = incoming.iterator({ destroyOnReturn: false })
  const source = {
    async pull(controller: ReadableStreamDefaultController) {
      const { done, value } = await chunks.next().catch((cause: unknown) => {
        // Who hung up gets no answer: this is only not to be taken for an error of ours.
        throw new Problem(400, { detail: 'the body ended before it was whole', cause })
      })
      if (done) controller.close()
      else controller.enqueue(new Uint8Array(value))
    },
    async cancel() {
      await chunks.return?.()
      dropRest(incoming)
    },
  }
  // Reads nothing ahead: a body that nobody asks for is left to Node.
  return new ReadableStream(source, { highWaterMark: 0 })
}

function headersOf(headers: Headers): Record<string, string | string[]> {
  const cookies = headers.getSetCookie()
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) }
}
