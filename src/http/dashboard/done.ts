/** What a page says of what has just been done: by a name, so that a link from elsewhere cannot put words into it. */
const sentences = {
  inserted: 'Inserted.',
  retried: 'The job is waiting again.',
  'retried-all': 'They are waiting again.',
  'retried-some': 'A thousand are waiting again, and more are left: retry again.',
  cancelled: 'Cancelled. If it runs, it is asked to stop.',
  changed: 'Changed.',
  deleted: 'Deleted.',
  paused: 'Paused: nothing of it is claimed until it is resumed.',
  resumed: 'Resumed.',
} as const

export type Done = keyof typeof sentences

export function sentenceOf(done: string | undefined): string | undefined {
  return Object.entries(sentences).find(([name]) => name === done)?.[1]
}
