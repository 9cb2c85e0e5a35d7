import { areaOf, builtIn, type CallFrame, isProfiler, nameOf, type SelfCost } from './frame.ts'

/** A profile of allocations as V8 gives it, as far as it is read here. @see Chrome DevTools Protocol, HeapProfiler.SamplingHeapProfile */
export interface AllocationProfile {
  readonly head: AllocationNode
}

interface AllocationNode {
  readonly callFrame: CallFrame
  readonly selfSize: number
  readonly children: readonly AllocationNode[]
}

/** Bytes on the heap that each function allocated, those included that have been collected. */
export function allocationsOf({ head }: AllocationProfile): readonly SelfCost[] {
  const found: SelfCost[] = []
  const pending = [{ node: head, inherited: builtIn }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, inherited } = next
    if (isProfiler(node.callFrame)) continue
    const area = areaOf(node.callFrame) ?? inherited
    if (node.selfSize > 0) found.push({ name: nameOf(node.callFrame), area, cost: node.selfSize })
    for (const child of node.children) pending.push({ node: child, inherited: area })
  }
  return found
}
