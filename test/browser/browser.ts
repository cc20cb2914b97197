import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Debian's; another place by JOBMASTER_TEST_CHROMIUM. */
const executablePath = process.env.JOBMASTER_TEST_CHROMIUM ?? '/usr/bin/chromium'

export function launch(): Promise<Browser> {
  if (!existsSync(executablePath)) {
    throw new Error(`there is no Chromium at ${executablePath}: npm run test:browser says how to get it`)
  }
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  })
}
