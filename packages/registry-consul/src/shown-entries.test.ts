import { expect, it } from 'vitest'
import { isAnnounced, isGone, isUpdated } from './shown-entries.ts'

interface Shown {
  readonly life?: string
  readonly revision?: number
  readonly status?: string
  readonly others?: readonly object[]
}

const nodeCheck = { CheckID: '_node_maintenance', Status: 'critical', ServiceID: '' }
const maintenance = { CheckID: '_service_maintenance:a', Status: 'critical', ServiceID: 'a' }

function entry({ life = 'now', revision = 2, status = 'passing', others = [] }: Shown = {}) {
  const Meta = { 'tenon-endpoints': '', 'tenon-incarnation': life, 'tenon-revision': String(revision) }
  const own = { CheckID: `tenon:a:${life}`, Status: status, ServiceID: 'a' }
  return { Service: { ID: 'a', Service: 'user', Meta }, Checks: [own, ...others] }
}

const now = { id: 'now', revision: 2 }

it.each([
  [[], false],
  [[entry()], true],
  [[entry({ revision: 3 })], true],
  [[entry({ revision: 1 })], false],
  [[entry({ life: 'before' }), entry()], true],
  [[entry({ life: 'before' })], false],
  [[entry({ status: 'critical' })], false],
  [[entry({ others: [maintenance] })], false],
  [[entry({ others: [nodeCheck] })], true],
  [[null, {}, { Service: {} }], false],
])('%o is announced: %s', (entries, expected) => {
  expect(isAnnounced(now)(entries)).toBe(expected)
})

it.each([
  [[entry({ revision: 1 })], 'passing', false],
  [[entry()], 'passing', true],
  [[entry()], 'warning', false],
  [[entry({ status: 'critical' })], undefined, true],
  [[entry({ others: [maintenance] })], 'passing', true],
])('%o is updated with status %s: %s', (entries, status, expected) => {
  expect(isUpdated(now, status)(entries)).toBe(expected)
})

it.each([
  [[], true],
  [[entry({ revision: 1 })], false],
  [[entry({ life: 'after' })], true],
  [[entry({ others: [maintenance] })], true],
])('%o is gone: %s', (entries, expected) => {
  expect(isGone(now)(entries)).toBe(expected)
})
