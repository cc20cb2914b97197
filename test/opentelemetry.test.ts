import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { createJobMaster, dependsOn, NonRetriable, task } from 'jobmaster'
import { openTelemetry } from 'jobmaster/opentelemetry'
import * as v from 'valibot'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { deadlineIn } from './support/deadline.ts'
import { setup } from './support/jobs.ts'

const foo = task({ params: { b: v.picklist([1, 2]) }, writeAll: ['b'], run: ({ b }) => ({ b }) })
const slow = task({
  params: {},
  async run(_, ctx) {
    await ctx.insert(foo, { b: 1 })
  },
})
const broken = task({
  params: {},
  async run() {
    throw new NonRetriable('no such file')
  },
})
const bar = task({ params: {}, dependencies: dependsOn(foo, { args: { b: 2 } }), run: () => {} })
const located = task({ params: { path: v.string() }, run: () => {} })
const lost = task({ params: {}, dependencies: dependsOn(located), run: () => {} })
const tasks = { cool: { foo, bar, slow, broken, located, lost } }

const spans = new InMemorySpanExporter()
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('test')

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return () => context.disable()
})
beforeEach(() => spans.reset())

async function traced() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter })
  const provider = new MeterProvider({ readers: [reader] })
  onTestFinished(() => provider.shutdown())
  const made = await setup(tasks, { telemetry: openTelemetry({ tracer, meter: provider.getMeter('test') }) })
  const measured = async () => {
    await provider.forceFlush()
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => ({
          name: descriptor.name,
          unit: descriptor.unit,
          task: attributes['messaging.destination.name'],
          error: attributes['error.type'],
          count: typeof value === 'number' ? value : (value as { count: number }).count,
        })),
      )
  }
  return { ...made, measured }
}

function named(name: string): ReadableSpan[] {
  return spans.getFinishedSpans().filter((span) => span.name === name)
}

test('an insert, a drain, its claims and each job have a span', async () => {
  const { jobs } = await traced()
  const { id } = await jobs.insert(foo, { b: 1 })
  await jobs.runUntilEmpty(deadlineIn())

  const [send] = named('send cool.foo')
  expect(send).toMatchObject({ kind: SpanKind.PRODUCER, attributes: { 'messaging.system': 'jobmaster' } })
  const [drain] = named('drain default')
  expect(drain?.attributes).toMatchObject({ 'jobmaster.completed': 1, 'jobmaster.stop_reason': 'empty' })
  const [claim, last] = named('receive')
  expect(claim).toMatchObject({ kind: SpanKind.CLIENT, attributes: { 'messaging.batch.message_count': 1 } })
  expect(last?.attributes).toMatchObject({ 'messaging.batch.message_count': 0 })
  const [process] = named('process cool.foo')
  expect(process).toMatchObject({
    kind: SpanKind.CONSUMER,
    attributes: {
      'messaging.destination.name': 'cool.foo',
      'messaging.message.id': String(id),
      'jobmaster.attempt': 1,
      'jobmaster.outcome': 'completed',
    },
  })
  for (const span of [claim, process]) expect(span?.parentSpanContext?.spanId).toBe(drain?.spanContext().spanId)
})

test('a job’s span is linked to the span that inserted it, whichever invocation runs it', async () => {
  const { jobs, db } = await traced()
  await jobs.insert(foo, { b: 1 })
  const other = createJobMaster({ db, tasks, telemetry: openTelemetry({ tracer }) })
  await other.runUntilEmpty(deadlineIn())
  expect(linksOf('process cool.foo')).toEqual([idOf(named('send cool.foo')[0])])
})

test('what an ALL job becomes, and what a dependency starts, is linked to the insert that it comes from', async () => {
  const { jobs } = await traced()
  await jobs.insert(foo, { b: 'ALL' })
  await jobs.runUntilEmpty(deadlineIn())
  expect(linksOf('process cool.foo')).toEqual([idOf(named('send cool.foo')[0]), idOf(named('send cool.foo')[0])])
  spans.reset()

  const { jobs: others } = await traced()
  await others.insert(bar, {})
  await others.runUntilEmpty(deadlineIn())
  expect(linksOf('process cool.foo')).toEqual([idOf(named('send cool.bar')[0])])
})

test('a job that cannot be run is linked to its insert too, and its span says why', async () => {
  const { jobs } = await traced()
  await jobs.insert(lost, {})
  await jobs.runUntilEmpty(deadlineIn())
  expect(linksOf('process cool.lost')).toEqual([idOf(named('send cool.lost')[0])])
  expect(named('process cool.lost')[0]?.status).toMatchObject({
    code: SpanStatusCode.ERROR,
    message: expect.stringContaining('"path"'),
  })
})

test('an insert of a handler is within the handler’s span, and an insert of a request within the request’s', async () => {
  const { jobs } = await traced()
  await tracer.startActiveSpan('request', async (span: Span) => {
    await jobs.insert(slow, {})
    span.end()
  })
  await jobs.runUntilEmpty(deadlineIn())
  expect(named('send cool.slow')[0]?.parentSpanContext?.spanId).toBe(idOf(named('request')[0]))
  expect(named('send cool.foo')[0]?.parentSpanContext?.spanId).toBe(idOf(named('process cool.slow')[0]))
})

test('a job that fails has an error in its span', async () => {
  const { jobs } = await traced()
  await jobs.insert(broken, {})
  await jobs.runUntilEmpty(deadlineIn())
  const [process] = named('process cool.broken')
  expect(process?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such file' })
  expect(process?.events[0]?.attributes?.['exception.message']).toBe('no such file')
})

test('an insert that the database refuses has an error in its span', async () => {
  const { jobs } = await traced()
  await expect(jobs.insert('cool.foo', { b: 3 })).rejects.toThrow('"b" must be one of')
  expect(named('send cool.foo')[0]?.status.code).toBe(SpanStatusCode.ERROR)
})

test('metrics have the names of the conventions for messaging, and few attributes', async () => {
  const { jobs, measured } = await traced()
  await jobs.insertMany([
    { task: foo, args: { b: 1 } },
    { task: foo, args: { b: 2 } },
    { task: broken, args: {} },
  ])
  await jobs.runUntilEmpty(deadlineIn())
  const metrics = await measured()
  const of = (name: string) => metrics.filter((metric) => metric.name === name)
  expect(of('messaging.client.sent.messages')).toMatchObject([
    { task: 'cool.foo', count: 2, unit: '{message}' },
    { task: 'cool.broken', count: 1 },
  ])
  expect(of('messaging.client.consumed.messages')).toMatchObject([
    { task: 'cool.foo', count: 2 },
    { task: 'cool.broken', count: 1 },
  ])
  expect(of('messaging.process.duration')).toMatchObject([
    { task: 'cool.foo', count: 2, unit: 's', error: undefined },
    { task: 'cool.broken', count: 1, error: 'NonRetriable' },
  ])
  expect(of('messaging.client.operation.duration').map(({ count }) => count)).toEqual([1, 2])
})

test('tracing adds no statement', async () => {
  const { jobs, statements } = await traced()
  await jobs.insert(foo, { b: 1 })
  await jobs.runUntilEmpty(deadlineIn())
  expect(statements.texts).toHaveLength(3)
})

test('a trace context that SQL gave, and that is none, is no link', async () => {
  const { jobs, sql } = await traced()
  await sql`select jobmaster.insert_jobs('[{"task": "cool.foo", "args": {"b": 1}, "trace": "00-zz"}]')`
  await jobs.runUntilEmpty(deadlineIn())
  expect(linksOf('process cool.foo')).toEqual([])
})

function idOf(span: ReadableSpan | undefined): string | undefined {
  return span?.spanContext().spanId
}

function linksOf(name: string): (string | undefined)[] {
  return named(name).flatMap(({ links }) => links.map((link) => link.context.spanId))
}

test('without an SDK nothing is written down, and everything works', async () => {
  const { jobs } = await setup(tasks, { telemetry: openTelemetry() })
  await jobs.insert(foo, { b: 1 })
  expect(await jobs.runUntilEmpty(deadlineIn())).toMatchObject({ completed: 1 })
  expect(trace.getActiveSpan()).toBeUndefined()
})
