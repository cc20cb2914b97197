import { scaleLinear } from 'd3-scale'
import { stack } from 'd3-shape'
import { count } from './time.tsx'

/** What ended in one minute. */
export interface Minute {
  at: Date
  completed: number
  retried: number
  failed: number
}

const series = ['completed', 'retried', 'failed'] as const
const width = 1_160
const height = 168
const plot = { left: 44, right: 4, top: 8, bottom: 22 }

/** How many jobs ended in each minute, how, as bars. */
export function Throughput({ minutes }: { minutes: readonly Minute[] }) {
  const most = Math.max(4, ...minutes.map(({ completed, retried, failed }) => completed + retried + failed))
  const y = scaleLinear([0, most], [height - plot.bottom, plot.top]).nice(4)
  const x = scaleLinear([0, minutes.length], [plot.left, width - plot.right])
  const barWidth = Math.max(1, x(1) - x(0) - 2)
  const layers = stack<Minute, (typeof series)[number]>().keys(series)([...minutes])
  const total = (name: (typeof series)[number]) => minutes.reduce((sum, minute) => sum + minute[name], 0)
  const said = `In the last hour ${count(total('completed'))} jobs completed, ${count(total('retried'))} attempts are tried again, ${count(total('failed'))} jobs failed.`
  return (
    <figure class="chart">
      <div class="plot" tabindex={0} role="group" aria-label="Jobs by minute">
        <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={said}>
          {y.ticks(4).map((tick) => (
            <g class="tick">
              <line x1={plot.left} x2={width - plot.right} y1={y(tick)} y2={y(tick)} />
              <text x={plot.left - 8} y={y(tick) + 4} text-anchor="end">
                {short(tick)}
              </text>
            </g>
          ))}
          {layers.map((layer) => (
            <g class={`bars ${layer.key}`}>
              {layer.map((bar, index) =>
                bar[1] > bar[0] ? (
                  <rect
                    x={x(index) + 1}
                    width={barWidth}
                    y={y(bar[1])}
                    height={Math.max(1, y(bar[0]) - y(bar[1]))}
                    rx="1"
                  >
                    <title>{`${clock(bar.data.at)}: ${count(bar.data[layer.key])} ${layer.key}`}</title>
                  </rect>
                ) : null,
              )}
            </g>
          ))}
          <g class="tick">
            {minutes.map(({ at }, index) =>
              at.getUTCMinutes() % 15 === 0 ? (
                <text
                  x={x(index) + barWidth / 2}
                  y={height - 6}
                  text-anchor={index < 3 ? 'start' : index > minutes.length - 4 ? 'end' : 'middle'}
                >
                  {clock(at)}
                </text>
              ) : null,
            )}
          </g>
        </svg>
      </div>
      <figcaption>
        {series.map((name) => (
          <span class={`key ${name}`}>
            {name} <b>{count(total(name))}</b>
          </span>
        ))}
        <span class="zone">UTC, by minute</span>
      </figcaption>
    </figure>
  )
}

/** How much of something is in use. */
export function Meter({ used, of, label }: { used: number; of: number; label: string }) {
  const share = of > 0 ? Math.min(100, (used / of) * 100) : 0
  return (
    <svg class={`meter ${share >= 90 ? 'full' : ''}`} role="img" aria-label={label} height="8">
      <rect width="100%" height="8" rx="4" class="room" />
      {share > 0 && <rect width={`${Math.max(1, share)}%`} height="8" rx="4" class="used" />}
    </svg>
  )
}

function short(value: number): string {
  return value >= 1_000 ? `${value / 1_000}k` : String(value)
}

function clock(at: Date): string {
  return at.toISOString().slice(11, 16)
}
