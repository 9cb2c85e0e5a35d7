import { type MeterProvider, metrics } from '@opentelemetry/api'
import { defineService, hook } from '@tenon/core'
import {
  instanceAttributes,
  recordBreaker,
  recordEjection,
  recordPassedOver,
  recordPick,
  recordReturn,
} from '../../packages/core/src/telemetry/client-metrics.ts'
import { recordRefused } from '../../packages/core/src/telemetry/config-metrics.ts'
import { recordOverload } from '../../packages/core/src/telemetry/overload-metrics.ts'
import { recordDecision } from '../../packages/core/src/telemetry/policy-metrics.ts'
import { recordOmitted, recordRestart, recordRun } from '../../packages/core/src/telemetry/schedule-metrics.ts'
import { afterEach, describe, expect, it } from 'vitest'
import { packageNames, readText, sourcesOf } from './source-file.ts'

/** A metric as its users see it. */
interface Metric {
  readonly name: string
  /** `histogram` */
  readonly instrument: string
  readonly unit: string | undefined
  readonly attributes: readonly string[]
}

/** The rows of a README under `| metric | unit | attributes |`. */
function documentedIn(name: string): readonly Metric[] {
  const tables = readText('packages', name, 'README.md').matchAll(
    /^\| metric \| unit \| attributes \|\n.*\n((?:\|.*\n)+)/gm,
  )
  return Array.from(tables, ([, rows = '']) => rows.trimEnd().split('\n').map(toMetric)).flat()
}

/** What stands in code and has a dot is the name of an attribute, what has none one of its values. */
function toMetric(row: string): Metric {
  const [, name = '', instrument = '', unit = '', attributes = ''] =
    /^\| `(.+?)`, an? (.+?) \| (.+?) \| (.+) \|$/.exec(row) ?? []
  const named = Array.from(attributes.matchAll(/`(\w+(?:\.\w+)+)`/g), ([, attribute = '']) => attribute)
  return { name, instrument, unit, attributes: named.toSorted() }
}

afterEach(() => metrics.disable())

/** What is recorded while a service that starts, and one that does not, live, and of what services do by themselves. */
async function recorded(): Promise<readonly Metric[]> {
  const made = new Map<string, { instrument: string; unit: string | undefined; attributes: Set<string> }>()
  const create =
    (instrument: string) =>
    (name: string, { unit }: { readonly unit?: string } = {}) => {
      const metric = made.get(name) ?? { instrument, unit, attributes: new Set() }
      made.set(name, metric)
      const note = (_value: number, attributes: object = {}) => {
        for (const attribute of Object.keys(attributes)) metric.attributes.add(attribute)
      }
      return { record: note, add: note }
    }
  const meter = {
    createHistogram: create('histogram'),
    createCounter: create('counter'),
    createUpDownCounter: create('up-down counter'),
    createGauge: create('gauge'),
  }
  metrics.setGlobalMeterProvider({ getMeter: () => meter } as unknown as MeterProvider)
  const environment = { LOG_LEVEL: 'silent' }
  const common = { version: '1.0.0', handlers: [], admin: false } as const
  await (await defineService({ ...common, name: 'sound' }).start({ environment })).stop()
  const failing = hook('fails', () => Promise.reject(new Error('broken')))
  const broken = defineService({ ...common, name: 'broken', onStart: [failing] })
  await expect(broken.start({ environment })).rejects.toThrow('broken')
  recordRun({ service: 'sound', schedule: 'tidy', durationMs: 1, errorCode: 'internal' })
  recordOmitted({ service: 'sound', schedule: 'tidy', reason: 'overlap', count: 1 })
  recordDecision({ contract: 'shop.UserService', operation: 'getUser', decision: 'retry', code: 'unavailable' })
  recordRestart({ service: 'sound', task: 'relay' })
  recordRefused({ service: 'sound', variable: 'RATE_LIMIT' })
  const instance = instanceAttributes({ contract: 'shop.NoteService', address: '10.0.0.7:1' })
  recordPick(instance)
  recordEjection(instance, 'success_rate')
  recordReturn(instance)
  recordPassedOver(instance)
  recordBreaker(instance, 'open')
  const refused = new Map([['sheddable', 1]])
  recordOverload({ service: 'sound', concurrencyLimit: 200, waitingCount: 0, refused })
  return Array.from(made, ([name, { instrument, unit, attributes }]) => ({
    name,
    instrument,
    unit,
    attributes: [...attributes].toSorted(),
  }))
}

describe('metrics', () => {
  it('are those of the tables in the READMEs: names, instruments, units and attributes', async () => {
    const byName = (one: Metric, other: Metric) => one.name.localeCompare(other.name)
    expect(packageNames().flatMap(documentedIn).toSorted(byName)).toEqual((await recorded()).toSorted(byName))
  })

  it('are made in these places only, so that none is missed here', () => {
    // `observability` hands out the meters of the SDK, and has no metric of its own.
    const measuring = packageNames().filter((name) => name !== 'observability')
    const makers = measuring.flatMap((name) =>
      sourcesOf(name)
        .filter(({ path }) => /\bgetMeter\(/.test(readText('packages', name, 'src', path)))
        .map(({ path }) => `${name}/${path}`),
    )
    expect(makers).toEqual([
      'core/telemetry/client-metrics.ts',
      'core/telemetry/config-metrics.ts',
      'core/telemetry/lifecycle-metrics.ts',
      'core/telemetry/overload-metrics.ts',
      'core/telemetry/policy-metrics.ts',
      'core/telemetry/schedule-metrics.ts',
    ])
  })
})
