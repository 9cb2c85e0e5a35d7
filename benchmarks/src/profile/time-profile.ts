import { areaOf, builtIn, type CallFrame, isProfiler, nameOf, type SelfCost } from './frame.ts'

/** A profile of time as V8 gives it, as far as it is read here. @see Chrome DevTools Protocol, Profiler.Profile */
export interface TimeProfile {
  readonly nodes: readonly TimeNode[]
  /** Which node ran at each sample. */
  readonly samples?: readonly number[]
  /** Microseconds between each sample and the one before. */
  readonly timeDeltas?: readonly number[]
}

interface TimeNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children?: readonly number[]
}

/** Eight times what is asked for: in a longer gap something else had the core. A guess. */
const longestGapMicroseconds = 2_000

/** Microseconds of every function that ran; idle time and what starting the profiler took are left out. */
export function timesOf({ nodes, samples = [], timeDeltas = [] }: TimeProfile): readonly SelfCost[] {
  const microsecondsById = new Map<number, number>()
  samples.forEach((id, index) => {
    const gap = Math.min(longestGapMicroseconds, Math.max(0, timeDeltas[index] ?? 0))
    microsecondsById.set(id, (microsecondsById.get(id) ?? 0) + gap)
  })
  const areas = areasOf(nodes)
  return nodes
    .filter(({ callFrame }) => callFrame.functionName !== '(idle)' && !isProfiler(callFrame))
    .map(({ id, callFrame }) => ({
      name: nameOf(callFrame),
      area: areas.get(id) ?? builtIn,
      cost: microsecondsById.get(id) ?? 0,
    }))
    .filter(({ cost }) => cost > 0)
}

function areasOf(nodes: readonly TimeNode[]): ReadonlyMap<number, string> {
  const areas = new Map<number, string>()
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const pending = nodes.slice(0, 1).map((node) => ({ node, inherited: builtIn }))
  for (let next = pending.pop(); next; next = pending.pop()) {
    const area = areaOf(next.node.callFrame) ?? next.inherited
    areas.set(next.node.id, area)
    for (const id of next.node.children ?? []) {
      const node = byId.get(id)
      if (node) pending.push({ node, inherited: area })
    }
  }
  return areas
}
