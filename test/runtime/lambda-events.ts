import type { Asked } from './requests.ts'

/** Events as AWS documents them, in as far as code may look at them. */

/** https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html#apigateway-example-event */
export function gatewayV1({ method, path, headers, body }: Asked) {
  const { pathname, searchParams } = new URL(path, 'https://x')
  const query = Object.fromEntries(searchParams)
  return {
    resource: '/{proxy+}',
    path: pathname,
    httpMethod: method,
    headers: { Host: 'id.execute-api.eu-central-1.amazonaws.com', ...headers },
    multiValueHeaders: many({ Host: 'id.execute-api.eu-central-1.amazonaws.com', ...headers }),
    queryStringParameters: Object.keys(query).length > 0 ? query : null,
    multiValueQueryStringParameters: Object.keys(query).length > 0 ? many(query) : null,
    pathParameters: { proxy: pathname.slice(1) },
    stageVariables: null,
    requestContext: {
      resourcePath: '/{proxy+}',
      httpMethod: method,
      path: `/prod${pathname}`,
      stage: 'prod',
      domainName: 'id.execute-api.eu-central-1.amazonaws.com',
      identity: { sourceIp: '203.0.113.1', userAgent: 'test' },
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
    },
    body: body ?? null,
    isBase64Encoded: false,
  }
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export function gatewayV2(asked: Asked, domainName = 'id.execute-api.eu-central-1.amazonaws.com') {
  const { pathname, search } = new URL(asked.path, 'https://x')
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: { host: domainName, ...asked.headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'id',
      domainName,
      domainPrefix: 'id',
      http: { method: asked.method, path: pathname, protocol: 'HTTP/1.1', sourceIp: '203.0.113.1', userAgent: 'test' },
      requestId: 'id',
      routeKey: '$default',
      stage: '$default',
      time: '12/Mar/2026:19:03:58 +0000',
      timeEpoch: 1_773_342_238_000,
    },
    ...(asked.body !== undefined && { body: Buffer.from(asked.body).toString('base64') }),
    isBase64Encoded: asked.body !== undefined,
  }
}

export function functionUrl(asked: Asked) {
  return gatewayV2(asked, 'id.lambda-url.eu-central-1.on.aws')
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html */
export const scheduledEvent = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '2026-03-12T16:53:06Z',
  region: 'eu-central-1',
  resources: ['arn:aws:events:eu-central-1:123456789012:rule/drain'],
  detail: {},
}

/** What Lambda answers to a gateway, as the client sees it. */
export function responseOf(result: unknown): Response {
  const { statusCode, body, isBase64Encoded, headers, multiValueHeaders } = result as {
    statusCode: number
    body: string
    isBase64Encoded: boolean
    headers?: Record<string, string>
    multiValueHeaders?: Record<string, string[]>
  }
  const pairs = Object.entries(multiValueHeaders ?? headers ?? {}).map(([name, value]): [string, string] => [
    name,
    String(value),
  ])
  return new Response(isBase64Encoded ? Buffer.from(body, 'base64') : body, { status: statusCode, headers: pairs })
}

/** Lambda's context, for a function that has so much time left. */
export function timeLeft(milliseconds: number) {
  const endsAt = Date.now() + milliseconds
  return { getRemainingTimeInMillis: () => endsAt - Date.now() }
}

function many(values: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]))
}
