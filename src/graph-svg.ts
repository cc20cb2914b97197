import type { Graph } from './graph.ts'
import { graphLayout, type Point } from './graph-layout.ts'

/** Draws tasks and what they need, with how fresh each dependency is, as an SVG that goes with light and dark. */
export function graphSvg(graph: Graph, now = new Date()): string {
  const { width, height, tasks, dependencies } = graphLayout(graph, {
    box: ({ task }) => ({ width: Math.max(90, task.length * 8 + 28), height: 40 }),
    label: { width: 110, height: 34 },
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" role="img" aria-label="Tasks and what they need">`,
    `<style>${style}</style>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    ...dependencies.map(({ dependency, points, label }) => {
      const fresh = isFresh(dependency, now)
      const [first, second] = dependencyLabel(dependency, now)
      return [
        `<g class="dependency ${fresh ? 'fresh' : 'stale'}">`,
        `<title>${escaped(`${dependency.task} needs ${dependency.target}, ${first}: ${second}`)}</title>`,
        `<path d="${path(points)}" marker-end="url(#arrow)"/>`,
        `<text x="${round(label.x)}" y="${round(label.y - 5)}">${escaped(first)}</text>`,
        `<text x="${round(label.x)}" y="${round(label.y + 11)}" class="when">${escaped(second)}</text>`,
        '</g>',
      ].join('')
    }),
    ...tasks.map(({ task, x, y, width, height }) => {
      const state = task.retired ? 'retired' : task.paused ? 'paused' : ''
      return [
        `<g class="task ${state}">`,
        `<title>${escaped([task.task, task.description, state].filter(Boolean).join(': '))}</title>`,
        `<rect x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${round(width)}" height="${round(height)}" rx="8"/>`,
        `<text x="${round(x)}" y="${round(y + 4)}">${escaped(task.task)}</text>`,
        '</g>',
      ].join('')
    }),
    '</svg>',
  ].join('\n')
}

/** Whether a job that needs it now would find it fresh, as far as that can be said without its arguments. */
export function isFresh({ freshUntil }: Graph['dependencies'][number], now: Date): boolean {
  return freshUntil !== null && freshUntil > now
}

/** What a dependency asks, and how it stands. */
export function dependencyLabel(
  { withinSeconds, freshUntil, lastCompletedAt }: Graph['dependencies'][number],
  now: Date,
): [asks: string, stands: string] {
  const asks = `within ${span(withinSeconds)}`
  if (!freshUntil || !lastCompletedAt) return [asks, 'never completed']
  const left = Math.round((freshUntil.getTime() - now.getTime()) / 1_000)
  return [asks, left > 0 ? `fresh for ${span(left)}` : `stale since ${span(-left)}`]
}

/** Seconds in the one or two units that people would say. */
export function span(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const
  const first = units.findIndex(([, size]) => seconds >= size)
  if (first < 0) return '0 s'
  let rest = seconds
  const parts = units.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count > 0 ? `${count} ${name}` : ''
  })
  return parts.filter(Boolean).join(' ')
}

function path(points: readonly Point[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join(' ')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

const style = `
svg{font:13px system-ui,sans-serif;color-scheme:light dark;--ink:#1f2328;--box:#f6f8fa;--line:#8c959f;--fresh:#1a7f37;--stale:#9a6700}
@media (prefers-color-scheme:dark){svg{--ink:#e6edf3;--box:#161b22;--line:#8b949e;--fresh:#3fb950;--stale:#d29922}}
text{fill:var(--ink);text-anchor:middle}
.task rect{fill:var(--box);stroke:var(--line)}
.task.paused rect{stroke-dasharray:5 3}
.task.retired{opacity:.55}
.dependency path{fill:none;stroke:var(--c);stroke-width:1.5}
.dependency text{font-size:11px;fill:var(--c)}
.fresh{--c:var(--fresh)}
.stale{--c:var(--stale)}
marker path{fill:var(--line)}
`.replaceAll('\n', '')
