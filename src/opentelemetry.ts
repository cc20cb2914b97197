import {
  type Attributes,
  context,
  isSpanContextValid,
  type Link,
  type Meter,
  metrics,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import type { Ending } from './executor.ts'
import type { Telemetry } from './telemetry.ts'

export type { Telemetry } from './telemetry.ts'

/**
 * Spans and metrics through OpenTelemetry's API: `createJobMaster({ telemetry: openTelemetry() })`. Without an SDK
 * registered it costs next to nothing. Names are those of the semantic conventions for messaging
 * (https://opentelemetry.io/docs/specs/semconv/messaging/): `send`, `receive` and `process`, with a task as destination.
 *
 * A job's span is linked to the span that inserted it, whatever inserted it where: the trace context is kept with the job.
 * Spans nest by themselves where the SDK has a context manager.
 * @param options a tracer and a meter in place of those registered globally under the name `jobmaster`
 */
export function openTelemetry(options: { tracer?: Tracer; meter?: Meter } = {}): Telemetry {
  const tracer = options.tracer ?? trace.getTracer('jobmaster')
  const meter = options.meter ?? metrics.getMeter('jobmaster')
  const sent = meter.createCounter('messaging.client.sent.messages', { unit: '{message}' })
  const consumed = meter.createCounter('messaging.client.consumed.messages', { unit: '{message}' })
  const advice = { explicitBucketBoundaries: [...boundaries] }
  const operations = meter.createHistogram('messaging.client.operation.duration', { unit: 's', advice })
  const handlers = meter.createHistogram('messaging.process.duration', { unit: 's', advice })

  /** Runs it within a span, and measures it. */
  async function traced<T>(
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    run: (span: Span) => Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now()
    const span = tracer.startSpan(name, { kind, attributes })
    const measured: Attributes = { ...attributes }
    try {
      return await context.with(trace.setSpan(context.active(), span), run, undefined, span)
    } catch (error) {
      measured['error.type'] = failed(span, error)
      throw error
    } finally {
      span.end()
      if (kind !== SpanKind.INTERNAL)
        operations.record((performance.now() - startedAt) / 1_000, lowCardinality(measured))
    }
  }

  return {
    send: (tasks, insert) => {
      const [task] = tasks
      const one = task !== undefined && tasks.every((other) => other === task) ? task : undefined
      const attributes: Attributes = {
        ...operation('send'),
        ...(one !== undefined && { 'messaging.destination.name': one }),
        ...(tasks.length > 1 && { 'messaging.batch.message_count': tasks.length }),
      }
      return traced(one === undefined ? 'send' : `send ${one}`, SpanKind.PRODUCER, attributes, async (span) => {
        const answer = await insert(traceparent(span.spanContext()))
        for (const [name, count] of counted(tasks))
          sent.add(count, { ...operation('send'), 'messaging.destination.name': name })
        return answer
      })
    },

    drain: (system, run) =>
      traced(`drain ${system}`, SpanKind.INTERNAL, { 'jobmaster.system': system }, async (span) => {
        const report = await run()
        span.setAttributes({
          'jobmaster.stop_reason': report.stopReason,
          'jobmaster.completed': report.completed,
          'jobmaster.failed': report.failed,
          'jobmaster.retried': report.retried,
          'jobmaster.statements': report.statements,
          'jobmaster.remaining': report.remaining,
        })
        return report
      }),

    receive: (system, call) =>
      traced('receive', SpanKind.CLIENT, { ...operation('receive'), 'jobmaster.system': system }, async (span) => {
        const answer = await call()
        const { jobs } = answer
        span.setAttribute('messaging.batch.message_count', jobs.length)
        const tasks = jobs.map(([, task]) => task)
        for (const [name, count] of counted(tasks)) {
          consumed.add(count, { ...operation('receive'), 'messaging.destination.name': name })
        }
        return answer
      }),

    process: (job, run) => {
      const [id, task, attempt, , , , sentBy] = job
      const attributes: Attributes = { ...operation('process'), 'messaging.destination.name': task }
      const span = tracer.startSpan(`process ${task}`, {
        kind: SpanKind.CONSUMER,
        attributes: { ...attributes, 'messaging.message.id': String(id), 'jobmaster.attempt': attempt },
        links: linksTo(sentBy),
      })
      const startedAt = performance.now()
      const ended = (ending: Ending): Ending => {
        span.setAttribute('jobmaster.outcome', ending.outcome)
        const measured: Attributes = { ...attributes }
        if (ending.outcome !== 'completed') {
          measured['error.type'] = ending.error.name
          span.setStatus({ code: SpanStatusCode.ERROR, message: ending.error.message })
          span.recordException(ending.error)
        }
        handlers.record((performance.now() - startedAt) / 1_000, measured)
        span.end()
        return ending
      }
      const ending = context.with(trace.setSpan(context.active(), span), run)
      return ending instanceof Promise ? ending.then(ended) : ended(ending)
    },
  }
}

/** In seconds, as the conventions advise. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

function operation(name: 'send' | 'receive' | 'process'): Attributes {
  return { 'messaging.system': 'jobmaster', 'messaging.operation.name': name, 'messaging.operation.type': name }
}

/** Numbers of one call are for its span, and not for a metric. */
function lowCardinality({ 'messaging.batch.message_count': _, ...attributes }: Attributes): Attributes {
  return attributes
}

function failed(span: Span, error: unknown): string {
  const known = error instanceof Error ? error : new Error(String(error))
  span.recordException(known)
  span.setStatus({ code: SpanStatusCode.ERROR, message: known.message })
  return 'code' in known && typeof known.code === 'string' ? known.code : known.name
}

function counted(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00. */
function traceparent(span: SpanContext): string | undefined {
  if (!isSpanContextValid(span)) return undefined
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`
}

function linksTo(text: string | null | undefined): Link[] {
  const [, traceId, spanId, flags] = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return []
  const span: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
  }
  return isSpanContextValid(span) ? [{ context: span }] : []
}
