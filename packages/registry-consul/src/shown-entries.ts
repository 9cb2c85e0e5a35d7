import { isRecord } from '@tenon/core/transport'
import { checkPrefix, type Incarnation, readEntry, readIncarnation } from './consul-mapping.ts'

/** What the servers of Consul show of an id: elements of a list as `/v1/health/service/:name` has it. */
export type ShownTest = (entries: readonly unknown[]) => boolean

/**
 * Whether an instance that was announced is there, and nobody is kept from it by a check of its own. What is wrong with its node is
 * not its fault: it is announced all the same.
 */
export function isAnnounced(incarnation: Incarnation): ShownTest {
  return (entries) =>
    entries.some((entry) => isOf(entry, incarnation) && readEntry(withoutNodeChecks(entry)).kind === 'instance')
}

/** Whether a change is there; also of what an operator has put under maintenance. `status` is that of the check that the process reports. */
export function isUpdated(incarnation: Incarnation, status?: string): ShownTest {
  return (entries) =>
    entries.some((entry) => isOf(entry, incarnation) && (status === undefined || ownStatuses(entry).includes(status)))
}

/** Whether nobody is sent to an instance any more. Another life of it may be there. */
export function isGone({ id }: Incarnation): ShownTest {
  return (entries) => !entries.some((entry) => isOf(entry, { id, revision: 0 }) && readEntry(entry).kind === 'instance')
}

function isOf(entry: unknown, { id, revision }: Incarnation): boolean {
  const service = isRecord(entry) ? entry['Service'] : undefined
  const found = readIncarnation(isRecord(service) ? service['Meta'] : undefined)
  return found?.id === id && found.revision >= revision
}

function checksOf(entry: unknown): readonly Readonly<Record<string, unknown>>[] {
  const checks = isRecord(entry) ? entry['Checks'] : undefined
  return Array.isArray(checks) ? checks.filter(isRecord) : []
}

function withoutNodeChecks(entry: unknown): unknown {
  const Checks = checksOf(entry).filter(({ ServiceID: id }) => id !== '')
  return isRecord(entry) ? { ...entry, Checks } : entry
}

function ownStatuses(entry: unknown): readonly unknown[] {
  const own = checksOf(entry).filter(({ CheckID: id }) => String(id).startsWith(checkPrefix))
  return own.map(({ Status }) => Status)
}
