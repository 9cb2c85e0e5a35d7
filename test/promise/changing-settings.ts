import { defineHandler, defineService, inject, integer, provide, type Settings, text, token } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { eventually, type TestServiceOptions, testService } from '@tenon/testing'
import { Type } from 'typebox'
import { expect } from 'vitest'

const config = { limit: integer('LIMIT', undefined, { min: 1, max: 1_000_000 }), label: text('LABEL') }
const Limits = Type.Object({ limit: Type.Integer(), label: Type.String() })
const limits = contract('test.v1.Limits', { readLimits: { input: Type.Object({}), output: Limits } })
const live = token<Settings<typeof config>>('settings')

const service = defineService({
  name: 'limits',
  version: '1.0.0',
  config,
  handlers: [
    defineHandler(limits, (settings = inject(live)) => {
      const all = settings.watch()
      return { readLimits: () => ({ limit: all.current.limit, label: all.current.label }) }
    }),
  ],
  providers: (settings) => [provide(live, { create: () => settings })],
})

/** A place that settings come from, as a test changes it. */
export interface ChangedStore {
  /** How the service gets at it: its source, or the variables that say where it is. */
  readonly start: Pick<TestServiceOptions, 'configSources' | 'environment'>
  /** Puts LIMIT and LABEL there, both at once. */
  put(texts: { readonly LIMIT: string; readonly LABEL: string }): void | Promise<void>
}

export interface ChangeLoad {
  /** How often both are changed; of three changes one is invalid. */
  readonly changeCount: number
  /** How many callers call all the time. */
  readonly callerCount: number
}

/** A change is to be seen by callers within this time. */
const seenWithinMs = 2_000

/**
 * Changes the settings of a service while it is called: every caller sees good values, of which both are of the same change and none is
 * older than one it has seen; each change that is waited for is seen within 2 s; an invalid one leaves the last good one in force.
 */
export async function changeUnderLoad(store: ChangedStore, { changeCount, callerCount }: ChangeLoad): Promise<void> {
  await store.put(good(1))
  await using tested = await testService(service, store.start)
  const over = new AbortController()
  const seen: { readonly limit: number; readonly label: string }[][] = Array.from({ length: callerCount }, () => [])
  const callers = seen.map(async (own) => {
    while (!over.signal.aborted) {
      own.push(await tested.call(limits.readLimits, {}))
      await turn()
    }
  })
  const sees = (expected: object) =>
    eventually(async () => expect(await tested.call(limits.readLimits, {})).toEqual(expected), {
      timeoutMs: seenWithinMs,
    })
  try {
    for (let change = 2; change < changeCount; change += 3) {
      await store.put(good(change))
      await store.put({ LIMIT: 'fast', LABEL: labelOf(change + 1) })
      await sees({ limit: expect.any(Number), label: labelOf(change + 1) })
      await store.put(good(change + 2))
      await sees({ limit: change + 2, label: labelOf(change + 2) })
    }
  } finally {
    over.abort()
    await Promise.all(callers)
  }
  for (const own of seen) {
    expect(own.length).toBeGreaterThan(0)
    for (const { limit, label } of own) expect(isOfOneChange(limit, label), `${limit} with ${label}`).toBe(true)
    expect(own.map(({ limit }) => limit)).toEqual(own.map(({ limit }) => limit).toSorted((one, other) => one - other))
  }
  expect(tested.log.filter(({ level }) => level === 'error').length).toBeGreaterThan(0)
}

function good(change: number) {
  return { LIMIT: String(change), LABEL: labelOf(change) }
}

function labelOf(change: number): string {
  return `change-${change}`
}

/** Of an invalid change, which every third one is from the third on, the label is new and the limit an older one. */
function isOfOneChange(limit: number, label: string): boolean {
  const change = Number(/^change-(\d+)$/.exec(label)?.[1])
  return change % 3 === 0 ? limit < change : limit === change
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
