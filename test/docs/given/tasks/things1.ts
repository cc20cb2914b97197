import { task } from 'jobmaster'
import * as v from 'valibot'

export const foo = task({ params: { file_path: v.string(), number: v.picklist([1, 2, 3]) }, run() {} })
