import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import { isRecord, toFound } from '../error/given-value.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import { checkNames, type OptionCheck, optionCheck } from '../error/option-check.ts'
import type { Environment } from './config/config.ts'

/** How a copy of the service is announced in a registry. What the environment says counts before what stands here. */
export interface InstanceOptions {
  /**
   * Tells copies that run at the same time apart. One that stays the same when a copy is started again takes over what was announced before.
   *
   * @defaultValue `<service>-<TENON_INSTANCE_ID>`, else `<service>-<random UUID>`
   */
  readonly id?: string
  /**
   * The name or address at which others reach the servers of this copy. TENON_ADVERTISED_HOST takes its place.
   *
   * @defaultValue where each listens; for one that listens on all addresses the first of this machine that is not a loopback, IPv4 before IPv6
   */
  readonly host?: string
  /** Where it runs, such as `eu-central-1a`. TENON_ZONE takes its place. @defaultValue it is not told */
  readonly zone?: string
  /** One with 0 is called only while no other can be; other numbers are told to callers. @defaultValue 1 @remarks Range 0–1_000 */
  readonly weight?: number
  /** What else callers may know of it. @remarks Names of letters, digits, `-`, `_` and `.` */
  readonly metadata?: Readonly<Record<string, string>>
}

/** How a copy is announced, and what its identity is. */
export interface InstanceSettings extends Omit<InstanceOptions, 'id'> {
  readonly id: string
}

/** The variables that say how a copy is announced. */
export const instanceVariables: readonly string[] = ['TENON_INSTANCE_ID', 'TENON_ADVERTISED_HOST', 'TENON_ZONE']

interface Owner {
  readonly name: string
  readonly instance?: InstanceOptions | undefined
}

export function resolveInstance({ name, instance = {} }: Owner, environment: Environment): InstanceSettings {
  const given: unknown = instance
  const { id: givenId, host: givenHost, zone: givenZone, ...rest }: InstanceOptions = isRecord(given) ? given : {}
  const host = environment['TENON_ADVERTISED_HOST'] || givenHost
  const zone = environment['TENON_ZONE'] || givenZone
  const ownId = environment['TENON_INSTANCE_ID'] || randomUUID()
  return Object.freeze({
    ...rest,
    id: environment['TENON_INSTANCE_ID'] ? `${name}-${ownId}` : (givenId ?? `${name}-${ownId}`),
    ...(host !== undefined && { host }),
    ...(zone !== undefined && { zone }),
  })
}

/** What is wrong with how a copy is announced: `config.malformed`, `config.out_of_range`. */
export function checkInstance(
  { instance = {} }: Pick<Owner, 'instance'>,
  { id, host, zone, weight, metadata = {} }: InstanceSettings,
): readonly SetupProblem[] {
  const check = optionCheck('instance')
  if (!isRecord(instance)) return [check.malformed(`expected an object, found ${toFound(instance)}`)]
  if (!isRecord(metadata)) return [check.malformed(`metadata: expected texts by name, found ${toFound(metadata)}`)]
  return [
    ...checkNames('instance', instance, ['id', 'host', 'zone', 'weight', 'metadata']),
    ...checkWord(check, 'the id (id, or TENON_INSTANCE_ID)', id),
    ...checkWord(check, 'the zone (zone, or TENON_ZONE)', zone),
    ...checkHost(check, host),
    ...check.integer('weight', weight, { min: 0, max: 1_000 }),
    ...Object.keys(metadata)
      .filter((key) => !wordForm.test(key))
      .map((key) =>
        check.malformed(`metadata: expected names of letters, digits, "-", "_" and ".", found ${show(key)}`),
      ),
    ...Object.entries(metadata)
      .filter(([, value]) => typeof value !== 'string')
      .map(([key]) => check.malformed(`metadata.${key}: expected text`)),
  ]
}

/** Registries put it into paths and labels. */
const wordForm = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/

function checkWord({ malformed }: OptionCheck, what: string, value: unknown): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'string' && wordForm.test(value))) return []
  return [malformed(`${what} must be letters, digits, "-", "_" and ".", found ${show(value)}`)]
}

/** One that stands for all addresses cannot be reached by others. */
function checkHost({ malformed }: OptionCheck, host: unknown): readonly SetupProblem[] {
  const isName = typeof host === 'string' && (isIP(host) !== 0 || /^[^\s/:]+$/.test(host))
  const isFine = host === undefined || (isName && !isWildcard(host))
  const expected = 'must be a name or an address at which others reach this copy'
  return isFine ? [] : [malformed(`the host (host, or TENON_ADVERTISED_HOST) ${expected}, found ${show(host)}`)]
}

/** Whether a server that listens there listens on all addresses. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::', '0:0:0:0:0:0:0:0', ''].includes(host)
}

function show(value: unknown): string {
  return JSON.stringify(value)
}
