import type { Hono } from 'hono'
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda'
import { createApp, type HttpOptions } from '../http/app.ts'
import { wakeUpIn } from '../http/continuation.ts'
import { type PlatformInvocation, withInvocation } from '../http/invocation.ts'
import { runDrain } from '../http/run.ts'
import type { JobsSource } from '../http/source.ts'
import { deadlineWithin, processEnv, type WakeAt, waking } from './lifetime.ts'

export interface LambdaOptions extends HttpOptions {
  /** Arms a one-off wake-up: a schedule of EventBridge with a fixed name, so that a later one replaces it. */
  wakeAt?: WakeAt
}

/** What of Lambda's context is used. */
export type LambdaInvocation = Pick<LambdaContext, 'getRemainingTimeInMillis'>

export type LambdaHandler = (event: unknown, context: LambdaInvocation) => Promise<unknown>

/** API Gateway hangs up after 29 s (REST) or 30 s (HTTP): https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const gatewayMs = 29_000

/**
 * JobMaster as a Lambda function. Requests (API Gateway v1 and v2, function URLs, load balancers) go to the HTTP app;
 * any other event (EventBridge, an async invoke, SQS) is a wake-up: who may send one is a matter of IAM.
 * The deadline is Lambda's own: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
export function awsLambda(jobs: JobsSource, options: LambdaOptions = {}): LambdaHandler {
  const { wakeAt, ...http } = options
  const app = createApp(jobs, http)
  const env = processEnv()

  return async (event, context) => {
    const endsAt = Date.now() + context.getRemainingTimeInMillis()
    const kept: Promise<unknown>[] = []
    const within = (limitMs: number): PlatformInvocation => ({
      env,
      deadline: deadlineWithin(limitMs),
      waitUntil: (promise) => kept.push(promise),
      drained: waking(wakeAt, env, http.continueWith !== undefined),
    })
    try {
      const leftMs = context.getRemainingTimeInMillis()
      if (!isRequest(event)) return await runDrain(jobs, within(leftMs), http, wakeUpIn(event))
      const invocation = within(behindGateway(event) ? Math.min(leftMs, gatewayMs) : leftMs)
      const fetch = (request: Request) => app.fetch(withInvocation(request, invocation), env)
      // All that `handle` asks of an app is its fetch.
      return await handle({ fetch } as Hono)(event, context as LambdaContext)
    } finally {
      // Once its answer is returned, Lambda freezes the process.
      await settledBy(endsAt - 500, kept)
    }
  }
}

function isRequest(event: unknown): event is LambdaEvent {
  if (typeof event !== 'object' || event === null) return false
  return 'httpMethod' in event || 'rawPath' in event || ('requestContext' in event && 'path' in event)
}

function behindGateway(event: LambdaEvent): boolean {
  const context = event.requestContext
  const domain = 'domainName' in context ? context.domainName : undefined
  return !('elb' in context) && !domain?.includes('.lambda-url.')
}

async function settledBy(time: number, promises: readonly Promise<unknown>[]): Promise<void> {
  if (promises.length === 0) return
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, time - Date.now()))
  })
  await Promise.race([Promise.allSettled(promises), late]).finally(() => clearTimeout(timer))
}
