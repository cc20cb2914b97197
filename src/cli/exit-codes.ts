/** What the command ends with. `docs/cli.md` lists them. */
export const exitCodes = {
  done: 0,
  /** It could not be done: the line on stderr says why. */
  failed: 1,
  /** An unknown command, option or task, or a value that makes no sense. */
  usage: 2,
  /** `run`: jobs have failed for good. */
  jobsFailed: 3,
  /** `deploy --check`: there is something to deploy. */
  pending: 4,
  /** Nothing was done: the question was answered with no, or there was nobody to ask. */
  declined: 5,
  /** Ctrl-C, or SIGTERM. */
  interrupted: 130,
  terminated: 143,
} as const
