import dagre from '@dagrejs/dagre'
import type { Graph } from './graph.ts'

/** A graph of tasks with places for a drawing, what is needed to the left of what needs it. */
export interface GraphLayout {
  width: number
  height: number
  /** x and y are the middle of a box. */
  tasks: (Box & { task: Graph['tasks'][number] })[]
  /** The points go from what is needed to what needs it; `label` is where there is room for a text. */
  dependencies: { dependency: Graph['dependencies'][number]; points: Point[]; label: Point }[]
}

export interface Point {
  x: number
  y: number
}

export interface Box extends Point {
  width: number
  height: number
}

export interface GraphLayoutOptions {
  /** The size of a task's box. */
  box(task: Graph['tasks'][number]): { width: number; height: number }
  /** The room for the text at a dependency. */
  label: { width: number; height: number }
}

/** Lays a graph of tasks out. */
export function graphLayout({ tasks, dependencies }: Graph, { box, label }: GraphLayoutOptions): GraphLayout {
  const drawing = new dagre.graphlib.Graph({ multigraph: true })
  drawing.setGraph({ rankdir: 'LR', nodesep: 24, edgesep: 16, ranksep: 40, marginx: 16, marginy: 16 })
  for (const task of tasks) drawing.setNode(task.task, box(task))
  dependencies.forEach((dependency, index) => {
    drawing.setEdge(dependency.target, dependency.task, { ...label, labelpos: 'c' }, String(index))
  })
  dagre.layout(drawing)
  const { width = 0, height = 0 } = drawing.graph()
  return {
    width,
    height,
    tasks: tasks.map((task) => ({ task, ...placeOf(drawing.node(task.task)) })),
    dependencies: dependencies.map((dependency, index) => {
      const { points = [], x = 0, y = 0 } = drawing.edge(dependency.target, dependency.task, String(index))
      return { dependency, points, label: { x, y } }
    }),
  }
}

function placeOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
  return { x, y, width, height }
}
