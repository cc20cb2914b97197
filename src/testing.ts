export { type FakeContext, fakeContext, type FakeContextOptions } from './testing/fake-context.ts'
export { perform } from './testing/perform.ts'
export { type Duration, testJobs, type TestJobs, type TestJobsOptions } from './testing/test-jobs.ts'
