export { dashboard, type DashboardOptions } from './http/dashboard/app.tsx'
