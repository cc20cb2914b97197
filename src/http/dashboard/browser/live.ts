// The little that runs in the browser: what is live on a page is asked for again, and changed where it differs.
import { Idiomorph } from 'idiomorph'

const everyMs = 2_000
/** Nobody has touched the page for so long: the database may sleep. */
const idleMs = 15 * 60_000

const region = document.querySelector('#live[data-live]')
let isOn = true
let touchedAt = Date.now()
let failures = 0

if (region) {
  for (const event of ['pointermove', 'keydown', 'scroll', 'visibilitychange']) {
    document.addEventListener(event, () => (touchedAt = Date.now()), { passive: true })
  }
  document.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('#live-toggle')) {
      isOn = !isOn
      show()
    }
  })
  show()
  setTimeout(refresh, everyMs)
}

async function refresh(): Promise<void> {
  if (isOn && !document.hidden && Date.now() - touchedAt < idleMs) await fetchPage()
  // After failures less and less often, up to a minute.
  setTimeout(refresh, Math.min(60_000, everyMs * 2 ** failures))
}

async function fetchPage(): Promise<void> {
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } })
    // Signed out meanwhile: the page that asks for the secret.
    if (response.redirected) return location.reload()
    if (!response.ok) throw new Error(response.statusText)
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    const next = page.querySelector('#live')
    if (region && next) {
      next.querySelector('#live-toggle')?.removeAttribute('hidden')
      Idiomorph.morph(region, next.innerHTML, { morphStyle: 'innerHTML', ignoreActiveValue: true })
      if (next.hasAttribute('data-live')) show()
      else isOn = false
    }
    failures = 0
  } catch {
    failures = Math.min(5, failures + 1)
  }
  show()
}

function show(): void {
  const button = document.querySelector('#live-toggle')
  if (!(button instanceof HTMLElement)) return
  button.hidden = false
  button.setAttribute('aria-pressed', String(isOn))
  button.textContent = failures > 0 ? 'No answer' : isOn ? 'Live' : 'Paused'
  button.title = isOn ? 'The page is asked for again every two seconds. Press to pause.' : 'Press to go on.'
}
