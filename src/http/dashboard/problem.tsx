import type { Problem } from '../problem.ts'
import type { Access } from './access.ts'
import { Layout } from './layout.tsx'

/** What went wrong, and the way back. */
export function ProblemPage({ access, problem }: { access: Access; problem: Problem }) {
  const { title, detail, code } = problem.body
  return (
    <Layout title={title} access={access}>
      <h1>{title}</h1>
      <p class="error" role="alert">
        {detail}
        {code && <span class="muted"> ({code})</span>}
      </p>
      <p>
        <a class="button" href={access.base || '/'}>
          To the overview
        </a>
      </p>
    </Layout>
  )
}
