import type { Access } from './access.ts'
import { Layout } from './layout.tsx'

interface LoginProps {
  access: Access
  /** The page to go on to. */
  to: string
  refused: boolean
}

/** The way in. */
export function LoginPage({ access, to, refused }: LoginProps) {
  return (
    <Layout title="Sign in" access={access}>
      <form method="post" action={`${access.base}/login`} class="login">
        <h1>JobMaster</h1>
        <input type="hidden" name="to" value={to} />
        <label for="secret">Secret</label>
        {refused && (
          <p class="error-line" id="secret-problem" role="alert">
            That is not the secret.
          </p>
        )}
        <input
          id="secret"
          name="secret"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          aria-invalid={refused ? 'true' : undefined}
          aria-describedby={refused ? 'secret-problem secret-about' : 'secret-about'}
        />
        <p class="about" id="secret-about">
          The value of <code>JOBMASTER_SECRET</code> in the function's environment.
        </p>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </Layout>
  )
}
