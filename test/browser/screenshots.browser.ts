import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { launch } from './browser.ts'
import { drain, fillShop, openSite, secret } from './site.ts'
import { gate } from './tasks.ts'

const folder =
  process.env.JOBMASTER_SCREENSHOTS ?? fileURLToPath(new URL('../../.jobmaster/screenshots', import.meta.url))

test('every page is drawn at two widths in both themes, without scrolling sideways', async () => {
  await mkdir(folder, { recursive: true })
  const site = await openSite()
  const browser = await launch()
  try {
    await fillShop(site.jobs, site.sql)
    const running = drain(site.jobs, 60_000)
    await gate.holds(6)
    const { jobs: failed } = await site.jobs.list({ status: 'failed', limit: 1 })
    const { jobs: sales } = await site.jobs.list({ task: 'shop.sales', status: 'completed', limit: 1 })
    const { jobs: later } = await site.jobs.list({ status: 'scheduled', limit: 1 })
    const pages = {
      overview: '',
      jobs: '/jobs',
      'job-failed': `/jobs/${failed[0]!.id}`,
      'job-completed': `/jobs/${sales[0]!.id}`,
      'job-scheduled': `/jobs/${later[0]!.id}`,
      change: `/jobs/${later[0]!.id}/change`,
      delete: `/jobs/${later[0]!.id}/delete`,
      tasks: '/tasks',
      task: '/tasks/shop.prices',
      insert: '/tasks/shop.receipt/insert',
      graph: '/graph',
      schedules: '/schedules',
    }
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const [width, height] of [
        [1280, 800],
        [390, 844],
      ] as const) {
        const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' })
        await shoot(page, `${site.url}/login`, `login-${width}-${colorScheme}`)
        await page.getByLabel('Secret').fill(secret)
        await page.getByRole('button', { name: 'Sign in' }).click()
        for (const [name, path] of Object.entries(pages)) {
          await shoot(page, site.url + path, `${name}-${width}-${colorScheme}`)
        }
        await page.close()
      }
    }
    gate.open()
    await running
  } finally {
    await browser.close()
    await site.close()
  }
}, 120_000)

async function shoot(page: Page, url: string, name: string): Promise<void> {
  await page.goto(url)
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  expect(sideways, name).toBe(0)
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}
