import { rmSync } from 'node:fs'

// tsc leaves what it once wrote for a file that is gone, and dist is published whole.
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
