import { background } from '../app.ts'

// That it may run for 15 minutes, and answers 202 at once, is in its name.
export default background
