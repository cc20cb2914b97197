import { Command } from 'commander'
import { addCompletion } from './completion.ts'
import { version } from './version.ts'
import { addCancel } from './commands/cancel.ts'
import { addChange } from './commands/change.ts'
import { addDelete } from './commands/delete.ts'
import { addDeploy } from './commands/deploy.ts'
import { addDev } from './commands/dev.ts'
import { addDevWorker } from './commands/dev-worker.ts'
import { addEmbeddedServer } from './commands/embedded-server.ts'
import { addExplain } from './commands/explain.ts'
import { addGraph } from './commands/graph.ts'
import { addGroup } from './commands/group.ts'
import { addInit } from './commands/init.ts'
import { addInsert } from './commands/insert.ts'
import { addList } from './commands/list.ts'
import { addPause } from './commands/pause.ts'
import { addPrune } from './commands/prune.ts'
import { addResume } from './commands/resume.ts'
import { addRetry } from './commands/retry.ts'
import { addRun } from './commands/run.ts'
import { addSchedule } from './commands/schedule.ts'
import { addShow } from './commands/show.ts'
import { addStatus } from './commands/status.ts'
import { addTasks } from './commands/tasks.ts'
import { report } from './failure.ts'
import { openOutput } from './output.ts'

/** Runs one command, and ends the process with its exit code: pools that an entry leaves open keep nobody waiting. */
export async function runCommand(args: readonly string[]): Promise<void> {
  // A reader that has seen enough, `| head` say, is none of our errors.
  process.stdout.on('error', () => process.exit())
  try {
    const root = program()
    await addCompletion(root, args)
    await root.parseAsync([...args], { from: 'user' })
  } catch (error) {
    const out = openOutput(args.includes('--json'))
    process.exitCode = report(error, out, args.includes('--verbose'))
  }
  // Once what was written is out.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()))
}

/** The commands and their options. */
export function program(): Command {
  const root = new Command('jobmaster')
    .description('Jobs in Postgres, run by functions.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show what a command takes')
    .option('--entry <file>', 'the module that exports jobs or openJobs (functions/jobs.ts when not given)')
    .option('--json', 'answer in JSON, one line each')
    .option('--verbose', 'show what an error was caused by')
    .showSuggestionAfterError()
    .showHelpAfterError('(jobmaster --help shows all commands)')
    .exitOverride()
  for (const add of [
    addInit,
    addDev,
    addDeploy,
    addInsert,
    addRun,
    addStatus,
    addList,
    addShow,
    addExplain,
    addRetry,
    addCancel,
    addChange,
    addDelete,
    addPause,
    addResume,
    addPrune,
    addTasks,
    addGraph,
    addGroup,
    addSchedule,
    addDevWorker,
    addEmbeddedServer,
  ]) {
    add(root)
  }
  for (const command of root.commands) command.copyInheritedSettings(root)
  return root
}
