import type { Command } from 'commander'
import { addVerb } from '../bites.ts'

export function addCancel(root: Command): void {
  addVerb(root, {
    name: 'cancel',
    done: 'cancelled',
    description: 'cancel jobs; one that runs is asked to stop',
    one: (jobs, id) => jobs.cancel(id),
    some: (jobs, filter) => jobs.cancel(filter),
  })
}
