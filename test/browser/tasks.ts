import { dependsOn, same, schedule, task } from 'jobmaster'
import * as v from 'valibot'
import { Gate } from '../support/gate.ts'

/** What jobs of shop.thumbnail wait at. */
export const gate = new Gate()

const regions = ['Europe', 'Americas', 'Asia'] as const
const region = v.picklist(regions)

export const catalog = task({
  description: 'Load the products of a region from the supplier.',
  params: { region },
  writeAll: ['region'],
  processUnits: 100,
  run: ({ region }) => ({ region, products: 1_204 }),
})

export const rates = task({
  description: 'Load the exchange rates of the day.',
  params: {},
  run: () => ({ currencies: 31 }),
})

export const prices = task({
  description: 'Work out the prices of a region in its currency.',
  params: { region },
  writeAll: ['region'],
  dependencies: [dependsOn(catalog, { withinHours: 24, args: { region: same } }), dependsOn(rates, { withinHours: 2 })],
  run: () => ({ prices: 1_204 }),
})

export const orders = task({
  description: 'Fetch the new orders.',
  params: { since: v.optional(v.string(), 'yesterday') },
  run: () => ({ orders: 88 }),
})

export const sales = task({
  description: 'Sum up what a region has sold.',
  params: { region, top: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), 10) },
  writeAll: ['region'],
  dependencies: [dependsOn(prices, { withinHours: 12, args: { region: same } }), dependsOn(orders, { withinHours: 1 })],
  run: ({ top }) => ({ rows: top }),
})

export const receipt = task({
  description: 'Mail a receipt.',
  params: {
    order: v.pipe(v.number(), v.integer(), v.minValue(1)),
    to: v.pipe(v.string(), v.email()),
    lines: v.optional(v.array(v.string())),
  },
  maxAttempts: 1,
  run({ order, to }) {
    if (to.endsWith('.invalid')) throw new TypeError(`the mail server refused ${to} for order ${order}`)
    return { sent: true }
  },
})

export const thumbnail = task({
  description: 'Make small pictures of a product.',
  params: { product: v.string() },
  processUnits: 40,
  processLimit: 6,
  async run() {
    await gate.pass()
    return { pictures: 3 }
  },
})

export const nightly = schedule(sales, { region: 'ALL' }, { cron: '30 4 * * *', timezone: 'Europe/Berlin' })
export const hourly = schedule(orders, {}, { cron: '5 * * * *' })
