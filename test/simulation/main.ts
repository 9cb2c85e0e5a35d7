import { lines } from './table.ts'

for await (const line of lines()) console.log(line)
