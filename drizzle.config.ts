import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/schema.ts',
  out: './src/migrations',
  schemaFilter: ['jobmaster'],
  // Outside the schema that `push` compares: it would drop the table of what it does not find in the code.
  migrations: { schema: 'drizzle', table: 'jobmaster_migrations' },
  dbCredentials: { url: process.env.DATABASE_URL ?? '' },
})
