import type { Command } from 'commander'
import type { JobMaster } from '../../jobmaster.ts'
import { contextOf, withEntry } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { Failure } from '../failure.ts'
import { counted, planLines } from '../plan-lines.ts'
import { confirmed } from '../question.ts'

interface DeployFlags {
  check?: boolean
  reset?: boolean
  yes?: boolean
}

export function addDeploy(root: Command): void {
  root
    .command('deploy')
    .description('bring tables, SQL functions and the catalog of tasks to what the code says')
    .option('--check', `change nothing: say what would, and end with ${exitCodes.pending} where something would`)
    .option('--reset', 'drop the schema first, with every job in it')
    .option('--yes', 'ask nothing')
    .action(deploy)
}

async function deploy({ check = false, reset = false, yes = false }: DeployFlags, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    const plan = await jobs.plan({ reset })
    const lines = planLines(out, plan)
    if (check) {
      out.answer(plan, () => (plan.upToDate ? upToDate(plan.schema, lines) : lines.join('\n')))
      if (plan.problems.length > 0) throw new Failure(refusal(plan.schema, plan.problems))
      if (!plan.upToDate) process.exitCode = exitCodes.pending
      return
    }
    if (plan.problems.length > 0) {
      for (const line of lines) out.note(line)
      throw new Failure(refusal(plan.schema, plan.problems))
    }
    if (plan.upToDate) {
      out.answer(plan, () => upToDate(plan.schema, []))
      return
    }
    if (plan.reset) {
      for (const line of lines) out.note(line)
      await confirmed(`Drop schema ${plan.schema} with ${await held(jobs)}?`, yes)
    }
    const done = await jobs.deploy({ reset })
    out.answer(done, () =>
      [...planLines(out, { ...done, warnings: [] }), `deployed to schema ${done.schema}`].join('\n'),
    )
  })
}

function upToDate(schema: string, lines: readonly string[]): string {
  return [...lines, `nothing to deploy: schema ${schema} is as the code says`].join('\n')
}

function refusal(schema: string, problems: readonly string[]): string {
  return `schema ${schema} cannot be deployed: ${problems.join('; ')}`
}

/** What a reset throws away. */
async function held(jobs: JobMaster): Promise<string> {
  const { jobs: counts } = await jobs.status()
  return counted(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    'job',
  )
}
