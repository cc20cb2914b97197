import { type Command, Option } from 'commander'
import { dependencyLabel, graphSvg, isFresh } from '../../graph-svg.ts'
import type { Graph } from '../../graph.ts'
import { contextOf, withEntry } from '../context.ts'
import type { Output } from '../output.ts'

interface GraphFlags {
  mermaid?: boolean
  svg?: boolean
}

export function addGraph(root: Command): void {
  root
    .command('graph')
    .description('show what depends on what, and how fresh each is')
    .option('--mermaid', 'as a Mermaid flowchart')
    .addOption(new Option('--svg', 'as a drawing, to be redirected to a file').conflicts('mermaid'))
    .action(graph)
}

async function graph({ mermaid = false, svg = false }: GraphFlags, command: Command): Promise<void> {
  const { out, ...context } = contextOf(command)
  await withEntry(context, async (jobs) => {
    const found = await jobs.graph()
    const text = mermaid ? flowchart(found) : svg ? graphSvg(found) : undefined
    if (text !== undefined) out.answer({ [mermaid ? 'mermaid' : 'svg']: text }, () => text)
    else out.answer(found, () => list(out, found))
  })
}

function list(out: Output, { tasks, dependencies }: Graph, now = new Date()): string {
  const { color } = out
  if (tasks.length === 0) return 'No tasks are deployed: run `jobmaster deploy`.'
  return tasks
    .flatMap(({ task, retired, paused }) => {
      const state = [retired && 'retired', paused && 'paused'].filter(Boolean).join(', ')
      const needs = dependencies
        .filter((dependency) => dependency.task === task)
        .map((dependency) => {
          const [asks, stands] = dependencyLabel(dependency, now)
          const given = Object.entries(dependency.args).map(([name, value]) => `${name} ${argument(value)}`)
          const paint = isFresh(dependency, now) ? color.green : color.yellow
          return `  needs ${dependency.target} ${color.dim([asks, ...given].join(', '))}: ${paint(stands)}`
        })
      return [`${color.bold(task)}${state ? color.yellow(` (${state})`) : ''}`, ...needs]
    })
    .join('\n')
}

/** As the catalog writes an argument of a dependency. */
function argument(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if ('value' in value) return `= ${JSON.stringify(value.value)}`
  if ('options' in value) return '= ALL'
  if (!('same' in value)) return JSON.stringify(value)
  const reckoned = 'op' in value && value.op ? ` ${String(value.op)} ${'by' in value ? String(value.by) : ''}` : ''
  return `same as ${String(value.same)}${reckoned}`
}

function flowchart({ tasks, dependencies }: Graph, now = new Date()): string {
  const ids = new Map(tasks.map(({ task }, index) => [task, `task${index}`]))
  return [
    'flowchart LR',
    ...tasks.map(({ task, retired, paused }) => {
      const state = retired ? ':::retired' : paused ? ':::paused' : ''
      return `  ${ids.get(task)}["${quoted(task)}"]${state}`
    }),
    ...dependencies.map((dependency) => {
      const text = dependencyLabel(dependency, now).join('<br>')
      return `  ${ids.get(dependency.target)} -->|"${text}"| ${ids.get(dependency.task)}`
    }),
    '  classDef retired opacity:0.5',
    '  classDef paused stroke-dasharray: 5 3',
  ].join('\n')
}

/** https://mermaid.js.org/syntax/flowchart.html: entity codes inside quotes. */
function quoted(text: string): string {
  return text.replaceAll('#', '#35;').replaceAll('"', '#quot;')
}
