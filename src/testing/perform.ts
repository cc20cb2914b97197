import { JobMasterError } from '../errors.ts'
import { jsonProblem } from '../json.ts'
import type { Args, Context, Json, MetDependency, Task } from '../task.ts'
import { tasksOf } from '../tasks.ts'
import { fakeContext } from './fake-context.ts'

/**
 * Runs one handler as a job would: its arguments go through JSON and its params, and what it returns has to be JSON.
 * What it throws is thrown.
 * @throws JobMasterError JM004 where the arguments are refused, or the result cannot be kept
 */
export async function perform<T extends Task>(
  task: T,
  args: Args<T>,
  context: Context = fakeContext(),
): Promise<MetDependency<T>['result']> {
  const [named] = tasksOf({ test: { task } }).tasks
  if (!named) throw new JobMasterError('JM001', 'perform takes a task, as task() makes it')
  const problem = jsonProblem(args, 'args')
  if (problem) throw new JobMasterError('JM004', `${named.name}: ${problem}`)
  // What is stored and comes back.
  const parsed = named.parse(JSON.parse(JSON.stringify(args)) as Record<string, Json>)
  if (!parsed.ok) throw new JobMasterError('JM004', parsed.problem)
  const result = await named.definition.run(parsed.args, context)
  // A handler that returns nothing has null for its result.
  if (result === undefined) return null as MetDependency<T>['result']
  const unkept = jsonProblem(result, 'result')
  if (unkept) throw new JobMasterError('JM004', `${named.name}: ${unkept}`)
  // As a dependent would be given it: of the type that the handler returns.
  return JSON.parse(JSON.stringify(result)) as MetDependency<T>['result']
}
