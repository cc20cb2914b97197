import type { Command } from 'commander'
import { serveEmbedded } from '../embedded-server.ts'

/** Not for people: the process in which another command keeps the embedded Postgres. */
export function addEmbeddedServer(root: Command): void {
  root
    .command('embedded-server', { hidden: true })
    .argument('<folder>')
    .action((folder: string) => serveEmbedded(folder))
}
