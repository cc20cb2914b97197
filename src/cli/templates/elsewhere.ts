import type { Platform, Template } from '../templates.ts'

/** An entry and a configuration for the platforms that have `process.env` or the like. `docs/platforms` explains each. */
export function elsewhere(platform: Exclude<Platform, 'cloudflare'>): Template {
  return { vercel, netlify, 'aws-lambda': awsLambda, deno, node }[platform]
}

const names = 'DATABASE_URL CRON_SECRET JOBMASTER_SECRET'

const vercelBuild =
  'npx esbuild functions/vercel.ts --bundle --packages=external --platform=node --format=esm --outfile=api/jobs.mjs'

const vercel: Template = {
  files: {
    'functions/vercel.ts': `import { vercel } from 'jobmaster/vercel'
import { openJobs } from './jobs.ts'

// As "maxDuration" in vercel.json says: code cannot see it.
export const { GET, POST } = vercel(openJobs, { basePath: '/jobs', maxDuration: 300 })
`,
    'vercel.json': `{
  "functions": { "api/jobs.mjs": { "maxDuration": 300 } },
  "rewrites": [{ "source": "/jobs/:path*", "destination": "/api/jobs" }],
  "crons": [{ "path": "/jobs/drain", "schedule": "* * * * *" }]
}
`,
  },
  packages: [],
  developmentPackages: ['esbuild'],
  next: [
    `${vercelBuild}   # and in your build`,
    `for name in ${names}; do printenv $name | npx vercel env add $name production; done`,
    'npx vercel deploy --prod',
  ],
}

const netlify: Template = {
  files: {
    'functions/netlify.ts': `import { netlify } from 'jobmaster/netlify'
import { openJobs } from './jobs.ts'

export const { http, scheduled, background } = netlify(openJobs, { basePath: '/jobs' })
`,
    'netlify/functions/jobs.ts': `import { http } from '../../functions/netlify.ts'

export default http
export const config = { path: '/jobs/*' }
`,
    'netlify/functions/drain.ts': `import { scheduled } from '../../functions/netlify.ts'

export default scheduled
export const config = { schedule: '* * * * *' }
`,
    'netlify/functions/drain-background.ts': `import { background } from '../../functions/netlify.ts'

// Its name makes it a background function: 15 minutes, where a scheduled one has 30 seconds. It asks for CRON_SECRET.
export default background
`,
    'netlify.toml': `[functions]
  directory = "netlify/functions"
  node_bundler = "esbuild"
  external_node_modules = ["pg-native"]
`,
  },
  packages: [],
  developmentPackages: [],
  next: [
    'npx netlify-cli login && npx netlify-cli init',
    `for name in ${names}; do npx netlify-cli env:set $name "$(printenv $name)"; done`,
    'npx netlify-cli deploy --build --prod',
  ],
}

const awsLambda: Template = {
  files: {
    'functions/handler.ts': `import { awsLambda } from 'jobmaster/aws-lambda'
import { openJobs } from './jobs.ts'

export const handler = awsLambda(openJobs, { basePath: '/jobs' })
`,
    'template.yaml': `AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  DatabaseUrl: { Type: String, NoEcho: true }
  CronSecret: { Type: String, NoEcho: true }
  JobmasterSecret: { Type: String, NoEcho: true }
Resources:
  Jobs:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: .lambda/
      Handler: handler.handler
      Runtime: nodejs24.x
      MemorySize: 512
      Timeout: 300
      Environment:
        Variables:
          DATABASE_URL: !Ref DatabaseUrl
          CRON_SECRET: !Ref CronSecret
          JOBMASTER_SECRET: !Ref JobmasterSecret
      FunctionUrlConfig: { AuthType: NONE } # The app asks for its secrets.
      Events:
        Drain: { Type: Schedule, Properties: { Schedule: rate(1 minute) } }
      EventInvokeConfig: { MaximumRetryAttempts: 0 } # The next minute's drain goes on.
Outputs:
  Url: { Value: !GetAtt JobsUrl.FunctionUrl }
`,
  },
  packages: [],
  developmentPackages: ['esbuild'],
  next: [
    'npx esbuild functions/handler.ts --bundle --minify --platform=node --format=cjs --external:pg-native --outfile=.lambda/handler.js',
    `echo '{ "type": "commonjs" }' > .lambda/package.json`,
    'sam deploy --stack-name my-jobs --resolve-s3 --capabilities CAPABILITY_IAM --parameter-overrides DatabaseUrl="$DATABASE_URL" CronSecret="$CRON_SECRET" JobmasterSecret="$JOBMASTER_SECRET"',
  ],
}

const deno: Template = {
  files: {
    'functions/main.ts': `import { deno } from 'jobmaster/deno'
import { openJobs } from './jobs.ts'

export default deno(openJobs, { basePath: '/jobs', cron: '* * * * *' })
`,
    'deno.json': `{ "nodeModulesDir": "manual", "unstable": ["cron"] }
`,
  },
  packages: [],
  developmentPackages: [],
  next: [
    'deno deploy create --entrypoint functions/main.ts',
    `for name in ${names}; do deno deploy env add $name "$(printenv $name)"; done`,
    'deno deploy --prod',
  ],
}

const node: Template = {
  files: {
    'functions/server.ts': `import { node } from 'jobmaster/node'
import { openJobs } from './jobs.ts'

// One pool for the whole server, so what openJobs opens is closed at its end.
const jobs = await openJobs(process.env)
const server = await node(jobs, { port: Number(process.env.PORT ?? 3000), basePath: '/jobs', drainEveryMs: 60_000 })
console.log(\`\${server.url}/jobs/health\`)

async function stop(): Promise<void> {
  await server.close()
  await jobs.close()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
`,
  },
  packages: [],
  developmentPackages: [],
  next: ['node --env-file=.env functions/server.ts   # Node 22.18 or later'],
}
