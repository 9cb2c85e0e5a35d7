/** A function of a profile. @see Chrome DevTools Protocol, Runtime.CallFrame */
export interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

/** What one function cost itself, without what it called: microseconds or bytes. */
export interface SelfCost {
  readonly name: string
  /** Whose code it is. */
  readonly area: string
  readonly cost: number
}

/** What each key cost, the most first. */
export function sumBy(
  costs: readonly SelfCost[],
  toKey: (cost: SelfCost) => string,
): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>()
  for (const each of costs) sums.set(toKey(each), (sums.get(toKey(each)) ?? 0) + each.cost)
  return [...sums].toSorted(([, one], [, other]) => other - one)
}

/** Whose code it is; undefined for functions without a file, built in or compiled at run time, which count as their caller's. */
export function areaOf({ functionName, url }: CallFrame): string | undefined {
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

/** What counts as nobody's. */
export const builtIn = 'built in'

/** The function and where it is. */
export function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const place = url === '' ? '' : ` ${url.split('/').at(-1)}:${lineNumber + 1}`
  return `${functionName === '' ? '(anonymous)' : functionName}${place}`
}

/** What is done for the profiler's sake. */
export function isProfiler({ url }: CallFrame): boolean {
  return url === 'node:inspector'
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
