import { connect, createServer, type AddressInfo } from 'node:net'

/** A TCP proxy in front of a server that is so many milliseconds away, there and back. */
export async function startFar(url: string, roundTripMs: number): Promise<{ url: string; stop(): Promise<void> }> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port), noDelay: true })
    near.setNoDelay(true)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      // Timers of one length fire in the order they were set.
      from.on('data', (bytes) => setTimeout(() => to.write(bytes), roundTripMs / 2))
      from.on('close', () => {
        sockets.delete(from)
        setTimeout(() => to.destroy(), roundTripMs)
      })
      from.on('error', () => {})
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const near = new URL(url)
  near.port = String((server.address() as AddressInfo).port)
  return {
    url: near.href,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}
