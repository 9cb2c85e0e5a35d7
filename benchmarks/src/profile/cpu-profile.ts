/** A profile as V8 gives it, as far as it is read here. @see Chrome DevTools Protocol, Profiler.Profile */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  /** Which node ran at each sample. */
  readonly samples?: readonly number[]
  /** Microseconds between each sample and the one before. */
  readonly timeDeltas?: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children?: readonly number[]
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

/** What one function took itself, without what it called. */
export interface SelfTime {
  readonly name: string
  /** Whose code it is. */
  readonly area: string
  readonly microseconds: number
}

/** Every function that ran; idle time and what starting the profiler took are left out. */
export function selfTimesOf({ nodes, samples = [], timeDeltas = [] }: CpuProfile): readonly SelfTime[] {
  const microsecondsById = new Map<number, number>()
  samples.forEach((id, index) =>
    microsecondsById.set(id, (microsecondsById.get(id) ?? 0) + Math.max(0, timeDeltas[index] ?? 0)),
  )
  const areas = areasOf(nodes)
  return nodes
    .filter(({ callFrame }) => callFrame.functionName !== '(idle)' && callFrame.url !== 'node:inspector')
    .map(({ id, callFrame }) => ({
      name: toName(callFrame),
      area: areas.get(id) ?? '',
      microseconds: microsecondsById.get(id) ?? 0,
    }))
    .filter(({ microseconds }) => microseconds > 0)
}

/** What each key took, the most first. */
export function sumBy(
  times: readonly SelfTime[],
  toKey: (time: SelfTime) => string,
): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>()
  for (const time of times) sums.set(toKey(time), (sums.get(toKey(time)) ?? 0) + time.microseconds)
  return [...sums].toSorted(([, one], [, other]) => other - one)
}

/** Functions without a file, built in or compiled at run time, count as their caller's. */
function areasOf(nodes: readonly ProfileNode[]): ReadonlyMap<number, string> {
  const areas = new Map<number, string>()
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const pending = nodes.slice(0, 1).map((node) => ({ node, inherited: builtIn }))
  for (let next = pending.pop(); next; next = pending.pop()) {
    const area = toArea(next.node.callFrame) ?? next.inherited
    areas.set(next.node.id, area)
    for (const id of next.node.children ?? []) {
      const node = byId.get(id)
      if (node) pending.push({ node, inherited: area })
    }
  }
  return areas
}

const builtIn = 'built in'

function toArea({ functionName, url }: CallFrame): string | undefined {
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (functionName === '(program)') return 'native: nghttp2, libuv, system calls'
  const path = url.replaceAll('\\', '/')
  const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]
  if (library !== undefined) return library
  const own = /\/packages\/([^/]+)\//.exec(path)?.[1]
  if (own !== undefined) return `Tenon: ${own}`
  if (path.includes('/benchmarks/')) return 'the program itself'
  return path.startsWith('node:') ? toNodeArea(path) : undefined
}

function toNodeArea(path: string): string {
  const room = /^node:(?:internal\/)?(http2|_?http|streams|events|process)/.exec(path)?.[1] ?? ''
  return nodeAreas[room] ?? 'node: other'
}

const nodeAreas: Readonly<Record<string, string>> = {
  http2: 'node: http2',
  http: 'node: http',
  _http: 'node: http',
  streams: 'node: streams',
  events: 'node: events',
  process: 'node: ticks and promises',
}

function toName({ functionName, url, lineNumber }: CallFrame): string {
  const place = url === '' ? '' : ` ${url.split('/').at(-1)}:${lineNumber + 1}`
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`
}
