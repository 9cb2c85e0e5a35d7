import { parseArgs } from 'node:util'
import { moveLoadAside } from './child.ts'
import { compilePrograms } from './compile.ts'
import { type Figure, isReached } from './figure.ts'
import { measureCollector } from './part/collector.ts'
import { measureDispatch } from './part/dispatch.ts'
import { measureGrpc } from './part/grpc.ts'
import { measureGrpcPeers } from './part/grpc-peers.ts'
import { measureHttp } from './part/http.ts'
import { measureHttpPeers } from './part/http-peers.ts'
import { measurePicks } from './part/picks.ts'
import { measureOverload } from './part/overload.ts'
import { measureProbes } from './part/probes.ts'
import { measureQueue } from './part/queue.ts'
import { leastPoisonCount, measureQueuePoison, poisonDrivers, type PoisonOptions } from './part/queue-poison.ts'
import { measureRegistry } from './part/registry.ts'
import { measureRemoteCalls } from './part/remote-calls.ts'
import { measureStart } from './part/start.ts'
import { measureStream } from './part/stream.ts'
import { measureTelemetry } from './part/telemetry.ts'
import { isProfileName, profile, profileNames } from './profile/profile.ts'
import { isQueueProfileName, profileQueue, queueProfileNames } from './profile/queue-profile.ts'
import { isPublished, publish } from './publish.ts'
import { publishedTables } from './published-table.ts'
import { report } from './report.ts'

const parts = {
  dispatch: measureDispatch,
  start: measureStart,
  http: measureHttp,
  'http-peers': measureHttpPeers,
  grpc: measureGrpc,
  'grpc-peers': measureGrpcPeers,
  stream: measureStream,
  picks: measurePicks,
  'remote-calls': measureRemoteCalls,
  telemetry: measureTelemetry,
  collector: measureCollector,
  probes: measureProbes,
  overload: measureOverload,
  queue: measureQueue,
  'queue-poison': measureQueuePoison,
  registry: measureRegistry,
}
type Part = keyof typeof parts

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '12' },
    publish: { type: 'boolean', default: false },
    program: { type: 'string' },
    driver: { type: 'string', multiple: true },
    messages: { type: 'string' },
  },
})
const roundCount = Number(values.rounds)
const [command, ...rest] = positionals
if (!Number.isInteger(roundCount) || roundCount < 1) refuse()
if (command === 'profile') await runProfiles(rest)
else await runParts()

async function runParts(): Promise<void> {
  // Peers are installed first, and what takes as long as all the rest together is asked for by name.
  const isLong = (name: string) => isPublished(name) || name === 'queue-poison' || name === 'registry'
  const chosen = positionals.length > 0 ? positionals : Object.keys(parts).filter((name) => !isLong(name))
  const known = chosen.filter(isPart)
  if (known.length < chosen.length || values.program !== undefined) refuse()
  const options = poisonOptions()
  const toPublish = known.filter(isPublished)
  if (values.publish && (known.length > 1 || toPublish.length === 0)) refuse()
  await compilePrograms()
  await moveLoadAside()
  const figures: Figure[] = []
  for (const name of known) {
    console.log(`measuring ${name}: ${roundCount} rounds`)
    figures.push(...(await parts[name](roundCount, options)))
  }
  const result = report(figures)
  if (values.publish) for (const name of toPublish) publish(name, result)
  process.exitCode = figures.every(isReached) ? 0 : 1
}

async function runProfiles(names: readonly string[]): Promise<void> {
  const areKnown = names.every((name) => isProfileName(name) || isQueueProfileName(name))
  if (names.length === 0 || !areKnown || values.publish) refuse()
  await compilePrograms()
  await moveLoadAside()
  const { program: path } = values
  const options = { roundCount, ...(path !== undefined && { path }) }
  for (const name of names) {
    if (isProfileName(name)) await profile(name, options)
    else if (isQueueProfileName(name)) await profileQueue(name, options)
  }
}

function poisonOptions(): PoisonOptions {
  const { driver: drivers, messages } = values
  const messageCount = Number(messages ?? 100_000)
  const areKnown = drivers?.every((name) => poisonDrivers.includes(name)) ?? true
  if (!areKnown || !Number.isInteger(messageCount) || messageCount < leastPoisonCount) refuse()
  return { messageCount, ...(drivers && { drivers }) }
}

function isPart(name: string): name is Part {
  return Object.hasOwn(parts, name)
}

function refuse(): never {
  console.error(`usage: npm run bench -- [${Object.keys(parts).join(' | ')}] [--rounds N]`)
  console.error(
    `       npm run bench -- queue-poison [--driver ${poisonDrivers.join(' | ')}]... [--messages N] [--rounds N]`,
  )
  console.error(`       npm run bench -- ${Object.keys(publishedTables).join(' | ')} --publish [--rounds N]`)
  const names = [...profileNames, ...queueProfileNames].join(' | ')
  console.error(`       npm run bench -- profile ${names} [--rounds N] [--program dist/server/NAME]`)
  process.exit(2)
}
