import { scheduled } from '../app.ts'

// When it runs stands in netlify.toml.
export default scheduled
