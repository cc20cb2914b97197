import { AxeBuilder } from '@axe-core/playwright'
import type { JobStatus } from 'jobmaster'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch } from './browser.ts'
import { drain, fillShop, openSite, secret } from './site.ts'
import { gate } from './tasks.ts'

let site: Awaited<ReturnType<typeof openSite>>
let browser: Browser

beforeAll(async () => {
  site = await openSite()
  browser = await launch()
  await fillShop(site.jobs, site.sql)
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await site?.close()
})

async function signedIn(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  await page.goto(site.url)
  await page.getByLabel('Secret').fill(secret)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  return page
}

test('one signs in, filters, opens a failed job, retries it, inserts by form, looks at the graph and signs out', async () => {
  const page = await signedIn()
  const problems: string[] = []
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(error.message))

  await page.getByRole('link', { name: 'Jobs', exact: true }).click()
  await page.getByLabel('Status').selectOption('failed')
  await page.getByRole('button', { name: 'Filter' }).click()
  const rows = page.getByRole('row').filter({ hasText: 'shop.receipt' })
  expect(await rows.count()).toBe(3)
  await rows.first().getByRole('link').first().click()
  await page.getByText('TypeError: the mail server refused').first().waitFor()
  await page.getByRole('button', { name: 'Retry' }).click()
  await page.getByRole('status').getByText('The job is waiting again.').waitFor()

  await page.goto(`${site.url}/tasks/shop.receipt/insert`)
  await page.getByLabel('order').fill('many')
  await page.getByLabel('to', { exact: true }).fill('buyer@example.org')
  await page.getByRole('button', { name: 'Insert' }).click()
  await page.getByRole('alert').getByText('shop.receipt: "order" must be a whole number, got string').waitFor()
  expect(await page.getByLabel('order').evaluate((field) => field === document.activeElement)).toBe(true)
  problems.splice(0)
  await page.getByLabel('order').fill('7001')
  await page.getByRole('button', { name: 'Insert' }).click()
  await page.getByText('Inserted.').waitFor()
  const [job] = (await site.jobs.list({ task: 'shop.receipt', limit: 1 })).jobs
  expect(job?.args).toMatchObject({ order: 7001, to: 'buyer@example.org' })

  await page.getByRole('link', { name: 'Graph', exact: true }).click()
  await page
    .getByRole('link', { name: /shop\.prices/ })
    .first()
    .waitFor()
  expect(await page.locator('.edge.fresh').count()).toBe(3)
  expect(await page.locator('.edge.stale').count()).toBe(1)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Secret').waitFor()
  await page.goto(`${site.url}/jobs`)
  expect(page.url()).toContain('/login')
  expect(problems).toEqual([])
  await page.context().close()
}, 60_000)

test('a drain is seen while it runs, without the page being asked for by hand', async () => {
  const page = await signedIn()
  const running = page.getByRole('link', { name: /^\d+ running$/ })
  const drained = drain(site.jobs, 60_000)
  await gate.holds(6)
  await page.getByRole('link', { name: '6 running' }).waitFor()
  gate.open()
  await drained
  await page.getByRole('link', { name: '0 running' }).waitFor()
  expect(await running.textContent()).toBe('0')
  await page.context().close()
}, 60_000)

test('without JavaScript everything can be read and done', async () => {
  const page = await signedIn({ javaScriptEnabled: false })
  for (const path of ['/jobs', '/jobs/1', '/tasks', '/tasks/shop.sales', '/graph', '/schedules']) {
    await page.goto(site.url + path)
    expect(await page.getByRole('heading', { level: 1 }).count(), path).toBe(1)
  }
  await page.goto(`${site.url}/tasks/shop.rates`)
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Paused: nothing of it is claimed').waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByText('Resumed.').waitFor()
  await page.context().close()
}, 60_000)

test('the keyboard reaches the content first, and then everything', async () => {
  const page = await signedIn()
  await page.goto(`${site.url}/jobs`)
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent?.trim())).toBe('Skip to the content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
  await page.getByLabel('Status').focus()
  await page.keyboard.press('f')
  await page.keyboard.press('Enter')
  await page.context().close()
}, 60_000)

test('a waiting job is given another priority and time, and deleted after a question, with and without JavaScript', async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { id } = await site.jobs.insert('shop.orders', { since: 'Monday' }, { priority: 2 })
    const page = await signedIn({ javaScriptEnabled })
    await page.goto(`${site.url}/jobs/${id}`)
    await page.getByRole('link', { name: 'Change' }).click()
    await page.getByLabel('Priority').fill('2000000000')
    await page.getByRole('button', { name: 'Change' }).click()
    await page.getByRole('alert').getByText('priority must be a whole number').waitFor()
    await page.getByLabel('Priority').fill('70')
    await page.getByLabel('Not before').fill('2099-12-31T23:59:30')
    await page.getByRole('button', { name: 'Change' }).click()
    await page.getByRole('status').getByText('Changed.').waitFor()
    expect(await site.jobs.get(id)).toMatchObject({
      priority: 70,
      status: 'scheduled',
      runAt: new Date('2099-12-31T23:59:30Z'),
    })

    await page.getByRole('link', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: `Delete job #${id}?` }).waitFor()
    await page.getByRole('link', { name: 'Keep' }).click()
    await page.getByRole('heading', { name: `Job #${id}` }).waitFor()
    await page.getByRole('link', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('status').getByText('Deleted.').waitFor()
    expect(await site.jobs.get(id)).toBeNull()
    await page.context().close()
  }
}, 60_000)

const widths = [
  [1280, 800],
  [390, 844],
] as const
const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  widths.map(([width, height]) => ({ colorScheme, width, height })),
)

test.each(looks)(
  'axe finds nothing on any page, in $colorScheme, $width pixels wide',
  async ({ colorScheme, width, height }) => {
    const page = await signedIn({ colorScheme, viewport: { width, height } })
    const one = async (status: JobStatus) => (await site.jobs.list({ status, limit: 1 })).jobs[0]!.id
    const failed = await one('failed')
    const scheduled = await one('scheduled')
    const paths = [
      '',
      '/jobs',
      '/jobs?status=failed',
      '/jobs?q=nothing+is+like+this',
      `/jobs?group=${await one('expanded')}`,
      `/jobs/${failed}`,
      `/jobs/${await one('completed')}`,
      `/jobs/${await one('expanded')}`,
      `/jobs/${scheduled}`,
      `/jobs/${scheduled}?done=changed`,
      `/jobs/${scheduled}/change`,
      `/jobs/${scheduled}/delete`,
      '/tasks',
      '/tasks/shop.sales',
      '/tasks/shop.sales/insert',
      '/graph',
      '/schedules',
      '/none',
    ]
    const found: string[] = []
    const look = async (what: string) => {
      // Its way for pages without frames, which opens no page of its own each time.
      const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
      found.push(
        ...violations.map(
          ({ id, nodes }) => `${what} ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
        ),
      )
    }
    for (const path of paths) {
      await page.goto(site.url + path)
      await look(path)
    }
    await page.goto(`${site.url}/tasks/shop.receipt/insert`)
    await page.getByRole('button', { name: 'Insert' }).click()
    await page.getByRole('alert').waitFor()
    await look('a refused insert')
    await page.goto(`${site.url}/jobs/${scheduled}/change`)
    await page.getByLabel('Priority').fill('2000000000')
    await page.getByRole('button', { name: 'Change' }).click()
    await page.getByRole('alert').waitFor()
    await look('a refused change')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Secret').fill('guess')
    await look('login')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    await look('a refused login')
    expect(found).toEqual([])
    await page.context().close()
  },
  240_000,
)
