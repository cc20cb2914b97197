import { task } from 'jobmaster'
import * as v from 'valibot'

export const confirm = task({ params: { order: v.number() }, run() {} })
