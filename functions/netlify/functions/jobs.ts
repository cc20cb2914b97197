import { http } from '../app.ts'

export default http

export const config = { path: '/jobmaster/*' }
