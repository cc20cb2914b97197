import { raw } from 'hono/html'
import type { PropsWithChildren } from 'hono/jsx'
import type { Access } from './access.ts'
import { assets } from './assets.ts'

interface LayoutProps {
  title: string
  access: Access
  /** Which entry of the navigation this page is. */
  here?: Section
  /** What has just been done, for the reader to be told. */
  done?: string | undefined
  /** Whether the page is asked for again while it is looked at. */
  live?: boolean
}

type Section = 'overview' | 'jobs' | 'tasks' | 'graph' | 'schedules'

const sections: [Section, path: string, name: string][] = [
  ['overview', '', 'Overview'],
  ['jobs', '/jobs', 'Jobs'],
  ['tasks', '/tasks', 'Tasks'],
  ['graph', '/graph', 'Graph'],
  ['schedules', '/schedules', 'Schedules'],
]

/** A page, whole: what is live in it has the id `live`, and is all that is asked for again. */
export function Layout({ title, access, here, done, live = false, children }: PropsWithChildren<LayoutProps>) {
  const { base, token, signedIn } = access
  return (
    <>
      {raw('<!doctype html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex" />
          <title>{`${title} · JobMaster`}</title>
          <link rel="icon" href={`${base}/assets/${assets.icon.name}`} type="image/svg+xml" />
          <link rel="stylesheet" href={`${base}/assets/${assets.style.name}`} />
          <script type="module" src={`${base}/assets/${assets.script.name}`}></script>
        </head>
        <body>
          <a class="skip" href="#main">
            Skip to the content
          </a>
          {token && (
            <header class="bar">
              <a class="brand" href={base || '/'}>
                <Mark />
                JobMaster
              </a>
              <nav aria-label="Pages">
                {sections.map(([section, path, name]) => (
                  <a href={base + path || '/'} aria-current={section === here ? 'page' : undefined}>
                    {name}
                  </a>
                ))}
              </nav>
              {signedIn && (
                <form method="post" action={`${base}/logout`} class="out">
                  <input type="hidden" name="token" value={token} />
                  <button type="submit" class="quiet">
                    Sign out
                  </button>
                </form>
              )}
            </header>
          )}
          <main id="main" tabindex={-1}>
            {done && (
              <p class="done" role="status">
                {done}
              </p>
            )}
            <div id="live" data-live={live ? '' : undefined}>
              {children}
            </div>
          </main>
        </body>
      </html>
    </>
  )
}

function Mark() {
  return (
    <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
      <rect x="1" y="1" width="14" height="14" rx="4" class="mark" />
      <path d="M5 8.2 7.2 10.4 11.2 5.8" class="mark-tick" />
    </svg>
  )
}

interface HeadingProps {
  title: string
  /** Shown when the page is live and scripts run. */
  live?: boolean
}

/** The title of a page with what one can do there beside it. */
export function Heading({ title, live = false, children }: PropsWithChildren<HeadingProps>) {
  return (
    <div class="heading">
      <h1>{title}</h1>
      <div class="actions">
        {live && (
          <button type="button" class="live" id="live-toggle" aria-pressed="true" hidden>
            Live
          </button>
        )}
        {children}
      </div>
    </div>
  )
}

/** What stands where there is nothing yet, and what to do about it. */
export function Empty({ title, children }: PropsWithChildren<{ title: string }>) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      <p>{children}</p>
    </div>
  )
}

interface ActionProps {
  access: Access
  path: string
  kind?: 'danger' | 'primary'
}

/** A button that changes something: a form of its own, so that it works without scripts. */
export function Action({ access, path, kind, children }: PropsWithChildren<ActionProps>) {
  return (
    <form method="post" action={access.base + path}>
      <input type="hidden" name="token" value={access.token} />
      <button type="submit" class={kind}>
        {children}
      </button>
    </form>
  )
}
