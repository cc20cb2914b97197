import { bigint, boolean, pgTable } from 'drizzle-orm/pg-core'

export const orders = pgTable('orders', {
  id: bigint({ mode: 'number' }).primaryKey(),
  paid: boolean().notNull().default(false),
})

export const receipts = pgTable('receipts', { id: bigint({ mode: 'number' }).primaryKey() })
