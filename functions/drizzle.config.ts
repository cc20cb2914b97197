import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './functions/schema.ts',
  out: './functions/migrations',
  schemaFilter: ['reports'],
})
