import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What a proxy does to connections, and to how many messages. */
export type Trouble =
  | 'cut before' // the statement does not arrive: both sides see a closed connection
  | 'arrives late' // the client sees a closed connection, and the statement arrives all the same, 300 ms later
  | 'cut after' // it arrives and is run to its end, and the answer is lost
  | 'half open' // it does not arrive, and nobody is told
  | 'slow' // what comes next takes 100 ms more, each way

/** A TCP proxy in front of a Postgres server, which goes wrong on demand. */
export interface Proxy {
  port: number
  /** The next statement of any client that has `marker` in it meets this trouble, once. Resolves when it has. */
  next(trouble: Trouble): Promise<void>
  /** Every answer, and every message, takes so many milliseconds more. */
  delay(milliseconds: number): void
  stop(): Promise<void>
}

export async function startProxy(toPort: number, marker: string): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let delayMs = 0
  let armed: { trouble: Trouble; met: () => void } | undefined

  const server = createServer((client) => {
    const upstream = connect(toPort, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    const cut = () => {
      client.destroy()
      upstream.destroy()
    }
    client.on('close', () => {
      if (!late) upstream.destroy()
    })
    let late = false
    let swallowed = false
    let silent = false
    let slowUntil = 0
    // Messages keep their order: a timer each would, too, but for its rounding.
    const later = (socket: Socket, chunk: Buffer) => {
      const wait = delayMs + (Date.now() < slowUntil ? 100 : 0)
      if (wait === 0) socket.write(chunk)
      else setTimeout(() => socket.writable && socket.write(chunk), wait)
    }
    client.on('data', (chunk) => {
      if (silent) return
      const trouble = chunk.includes(marker) ? armed?.trouble : undefined
      if (trouble) {
        armed?.met()
        armed = undefined
      }
      if (trouble === 'cut before') return cut()
      if (trouble === 'arrives late') {
        late = true
        swallowed = true
        client.destroy()
        setTimeout(() => upstream.writable && upstream.write(chunk), 300)
        return
      }
      if (trouble === 'cut after') swallowed = true
      if (trouble === 'half open') {
        silent = true
        return
      }
      if (trouble === 'slow') slowUntil = Date.now() + 200
      later(upstream, chunk)
    })
    upstream.on('data', (chunk) => {
      const ready = endsReady(chunk)
      if (!swallowed) later(client, chunk)
      else if (ready) cut()
    })
    upstream.on('close', () => {
      if (!silent) client.destroy()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    next: (trouble) => new Promise<void>((met) => (armed = { trouble, met })),
    delay: (milliseconds) => void (delayMs = milliseconds),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

/** ReadyForQuery with no transaction open: what was sent has been committed. */
function endsReady(chunk: Buffer): boolean {
  return chunk.length >= 6 && chunk.subarray(-6).equals(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]))
}
