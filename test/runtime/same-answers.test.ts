import { awsLambda } from 'jobmaster/aws-lambda'
import { cloudflare } from 'jobmaster/cloudflare'
import { netlify } from 'jobmaster/netlify'
import { node } from 'jobmaster/node'
import { vercel } from 'jobmaster/vercel'
import { expect, test } from 'vitest'
import { openWork } from './application.ts'
import { gatewayV1, gatewayV2, responseOf, timeLeft } from './lambda-events.ts'
import { platform, referenceAnswers } from './reference.ts'
import { answersOf, over } from './requests.ts'

const options = { basePath: '/jobmaster', onError: () => {} }
const base = 'https://app.example/jobmaster'

const platforms = {
  async cloudflare({ env }: { env: object }) {
    const worker = cloudflare(openWork, { ...options, subrequests: 1_000 })
    return answersOf(over(base, (request) => worker.fetch(request, env, { waitUntil: () => {} })))
  },
  vercel: () => answersOf(over(base, vercel(openWork, options).fetch)),
  netlify: () => answersOf(over(base, netlify(openWork, options).http)),
  async 'aws-lambda, v1'() {
    const handler = awsLambda(openWork, options)
    return answersOf(async (asked) =>
      responseOf(await handler(gatewayV1({ ...asked, path: `/jobmaster${asked.path}` }), timeLeft(60_000))),
    )
  },
  async 'aws-lambda, v2'() {
    const handler = awsLambda(openWork, options)
    return answersOf(async (asked) =>
      responseOf(await handler(gatewayV2({ ...asked, path: `/jobmaster${asked.path}` }), timeLeft(60_000))),
    )
  },
  async node() {
    const server = await node(openWork, { ...options, port: 0 })
    const answers = await answersOf(over(`${server.url}/jobmaster`))
    await server.close()
    return answers
  },
}

test('the list of requests reaches every kind of answer', async () => {
  const answers = await referenceAnswers()
  const statuses = [...new Set(answers.map(({ status }) => status))].toSorted((a, b) => a - b)
  expect(statuses).toEqual([200, 201, 400, 401, 404, 405, 409, 413, 415, 422])
})

test.for(Object.entries(platforms))('%s answers every request as the app by itself does', async ([, answers]) => {
  const expected = await referenceAnswers()
  const made = await platform()
  expect(await answers(made)).toEqual(expected)
})
