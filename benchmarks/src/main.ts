import { parseArgs } from 'node:util'
import { moveLoadAside } from './child.ts'
import { compilePrograms } from './compile.ts'
import { measureDispatch } from './part/dispatch.ts'
import { measureGrpc } from './part/grpc.ts'
import { measureHttp } from './part/http.ts'
import { measureStart } from './part/start.ts'
import { measureStream } from './part/stream.ts'
import { type Figure, report } from './report.ts'

const parts = {
  dispatch: measureDispatch,
  start: measureStart,
  http: measureHttp,
  grpc: measureGrpc,
  stream: measureStream,
}
type Part = keyof typeof parts

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '12' } },
})
const roundCount = Number(values.rounds)
const chosen = positionals.length > 0 ? positionals : Object.keys(parts)
const unknown = chosen.filter((name) => !isPart(name))
if (unknown.length > 0 || !Number.isInteger(roundCount) || roundCount < 1) {
  console.error(`usage: npm run bench -- [${Object.keys(parts).join(' | ')}] [--rounds N]`)
  process.exit(2)
}

await compilePrograms()
await moveLoadAside()
const figures: Figure[] = []
for (const name of chosen.filter(isPart)) {
  console.log(`measuring ${name}: ${roundCount} rounds`)
  figures.push(...(await parts[name](roundCount)))
}
process.exitCode = report(figures) ? 0 : 1

function isPart(name: string): name is Part {
  return Object.hasOwn(parts, name)
}
