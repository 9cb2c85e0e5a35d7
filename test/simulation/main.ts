import { balance } from './balance.ts'
import { policy } from './policy.ts'

const table = process.argv[2] === 'policies' ? policy : balance
for await (const line of table.lines()) console.log(line)
