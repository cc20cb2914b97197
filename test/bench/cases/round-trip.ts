import type { Case } from '../case.ts'
import { startFar } from '../far.ts'
import { drained } from './drain.ts'

export const roundTrip: Case[] = [
  drained('round trip/none', {}),
  ...[2, 10, 40].map((milliseconds) => far(`round trip/${milliseconds} ms`, milliseconds)),
]

function far(name: string, milliseconds: number): Case {
  return {
    name,
    async open(place) {
      const proxy = await startFar(place.url, milliseconds)
      const opened = await drained(name, { url: proxy.url }).open(place)
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
