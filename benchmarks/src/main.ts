import { parseArgs } from 'node:util'
import { moveLoadAside } from './child.ts'
import { compilePrograms } from './compile.ts'
import { type Figure, isReached } from './figure.ts'
import { measureDispatch } from './part/dispatch.ts'
import { measureGrpc } from './part/grpc.ts'
import { measureHttp } from './part/http.ts'
import { measureHttpPeers } from './part/http-peers.ts'
import { measureStart } from './part/start.ts'
import { measureStream } from './part/stream.ts'
import { publish } from './publish.ts'
import { report } from './report.ts'

const parts = {
  dispatch: measureDispatch,
  start: measureStart,
  http: measureHttp,
  'http-peers': measureHttpPeers,
  grpc: measureGrpc,
  stream: measureStream,
}
type Part = keyof typeof parts

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '12' }, publish: { type: 'boolean', default: false } },
})
const roundCount = Number(values.rounds)
// The peers are installed first and take as long as all the rest together, so they are asked for by name.
const chosen = positionals.length > 0 ? positionals : Object.keys(parts).filter((name) => name !== 'http-peers')
const unknown = chosen.filter((name) => !isPart(name))
const isPublishable = !values.publish || chosen.join() === 'http-peers'
if (unknown.length > 0 || !Number.isInteger(roundCount) || roundCount < 1 || !isPublishable) {
  console.error(`usage: npm run bench -- [${Object.keys(parts).join(' | ')}] [--rounds N]`)
  console.error('       npm run bench -- http-peers --publish [--rounds N]')
  process.exit(2)
}

await compilePrograms()
await moveLoadAside()
const figures: Figure[] = []
for (const name of chosen.filter(isPart)) {
  console.log(`measuring ${name}: ${roundCount} rounds`)
  figures.push(...(await parts[name](roundCount)))
}
const result = report(figures)
if (values.publish) publish(result)
process.exitCode = figures.every(isReached) ? 0 : 1

function isPart(name: string): name is Part {
  return Object.hasOwn(parts, name)
}
