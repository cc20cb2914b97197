import type { Command } from 'commander'
import { addVerb } from '../bites.ts'

export function addRetry(root: Command): void {
  addVerb(root, {
    name: 'retry',
    done: 'retried',
    description: 'make failed or cancelled jobs waiting again',
    one: (jobs, id) => jobs.retry(id),
    some: (jobs, filter) => jobs.retry(filter),
  })
}
