import type { Command } from 'commander'
import { addVerb } from '../bites.ts'

export function addDelete(root: Command): void {
  addVerb(root, {
    name: 'delete',
    done: 'deleted',
    description: 'delete jobs that do not run; freshness stays',
    one: (jobs, id) => jobs.delete(id),
    some: (jobs, filter) => jobs.delete(filter),
  })
}
