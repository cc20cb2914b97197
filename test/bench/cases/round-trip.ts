import type { Case } from '../case.ts'
import { startFar } from '../far.ts'
import { drained } from './drain.ts'

/** Always as many jobs: what a drain learns of the distance takes it the first few claims. */
const count = 20_000

export const roundTrip: Case[] = [
  drained('round trip/none', { count }),
  ...[2, 10, 40].map((milliseconds) => far(`round trip/${milliseconds} ms`, milliseconds)),
]

function far(name: string, milliseconds: number): Case {
  return {
    name,
    async open(place) {
      const proxy = await startFar(place.url, milliseconds)
      const opened = await drained(name, { count, url: proxy.url }).open(place)
      return {
        ...opened,
        async close() {
          await opened.close()
          await proxy.stop()
        },
      }
    },
  }
}
