import { exitCodes } from './exit-codes.ts'
import { Failure } from './failure.ts'

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true
}

/** @throws Failure when the answer is no, or there is nobody to ask and no `--yes`. */
export async function confirmed(question: string, yes: boolean): Promise<void> {
  if (yes) return
  if (!canAsk()) {
    throw new Failure(`${question} Say --yes, as there is nobody here to ask`, exitCodes.declined)
  }
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message: question, initialValue: false })
  if (isCancel(answer)) throw new Failure('nothing was done', exitCodes.interrupted)
  if (!answer) throw new Failure('nothing was done', exitCodes.declined)
}
