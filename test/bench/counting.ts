import pg from 'pg'

/** A pool of node-postgres that counts what is sent. */
export function countingPool(url: string, max: number): { pool: pg.Pool; sent(): number } {
  let count = 0
  class Client extends pg.Client {}
  const send = pg.Client.prototype.query as (...args: unknown[]) => unknown
  Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    count += 1
    return send.apply(this, args)
  } as typeof pg.Client.prototype.query
  const pool = new pg.Pool({ connectionString: url, max, Client } as pg.PoolConfig)
  pool.on('error', () => {})
  return { pool, sent: () => count }
}
