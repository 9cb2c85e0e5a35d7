import { type BatchOptions, type BatchSettings, toBatch } from '../contract/batch.ts'
import { toDelivery } from '../contract/check-delivery.ts'
import type { DeliveryOptions } from '../contract/delivery.ts'
import { checkStart, type ConsumerStart, type StartPosition, toStart } from '../contract/start-position.ts'
import { toFound } from '../error/given-value.ts'
import { ContractError, type SetupProblem } from '../error/setup-error.ts'

/** What the side that consumes an event says of it; publishers need not know. */
export interface ConsumesOptions extends DeliveryOptions {
  /** The consumer group: one member of it handles each message. @defaultValue the service's name */
  readonly group?: string
  /**
   * Whether every process of the service gets every message, such as to drop an entry of a cache. There is no group then, and
   * nothing is stored at the broker: each process reads on from where it began, and what it has not handled when it ends is not
   * handled by it. What cannot be handled is told as an error and dropped, never a dead letter, so `failures` has no
   * `dead_letter`.
   *
   * @defaultValue false
   * @throws ContractError `contract.setting` beside `group`, or a row `dead_letter`
   */
  readonly broadcast?: boolean
  /**
   * Where reading begins. Of a group it counts only while the group has committed nothing of the topic: what it says is
   * committed then before the first message is handled, and partitions that come later are read from their beginning.
   *
   * @defaultValue `earliest` for a group; `latest` with `broadcast`, which is the end at the moment when the process began
   * @throws ContractError `contract.setting`
   */
  readonly start?: StartPosition
  /** For a handler that takes several messages at once: see `BatchConsumesOptions`. */
  readonly batch?: undefined
}

/** The same for a handler that takes several messages at once. */
export interface BatchConsumesOptions extends Omit<ConsumesOptions, 'batch' | 'concurrency'> {
  readonly batch: BatchOptions
  /**
   * Most batches that the handler works on at a time in one process.
   *
   * @defaultValue 1
   * @remarks Range 1–10_000
   */
  readonly concurrency?: number
}

/** The same, told apart. */
export interface Consuming {
  /** Undefined means the service's name, or nothing for a broadcast. */
  readonly group: string | undefined
  readonly isBroadcast: boolean
  /** Undefined where nothing was said. */
  readonly start: ConsumerStart | undefined
  readonly delivery: DeliveryOptions
  /** Undefined where messages come one by one. */
  readonly batch: BatchSettings | undefined
}

/** @throws ContractError `contract.setting` naming the place */
export function toConsuming(where: string, options: ConsumesOptions | BatchConsumesOptions): Consuming {
  const { group, broadcast = false, start, batch, ...given } = options
  const problems = [
    ...checkBroadcast(where, options),
    ...(start === undefined ? [] : checkStart(`${where}: start`, start)),
  ]
  if (problems.length > 0) throw new ContractError(problems)
  const delivery = toDelivery(where, given)
  return {
    group,
    isBroadcast: broadcast,
    start: start === undefined ? undefined : toStart(start),
    delivery,
    batch: batch === undefined ? undefined : toBatch(`${where}: batch`, batch),
  }
}

function checkBroadcast(
  where: string,
  { broadcast, group, failures }: ConsumesOptions | BatchConsumesOptions,
): readonly SetupProblem[] {
  if (broadcast !== undefined && typeof broadcast !== 'boolean')
    return [setting(`${where}: broadcast must be true or false, found ${toFound(broadcast)}`)]
  if (!broadcast) return []
  const buried = Object.entries(failures ?? {}).filter(([, disposition]) => disposition === 'dead_letter')
  return [
    ...(group === undefined ? [] : [setting(`${where}: a broadcast has no group; leave group or broadcast out`)]),
    ...buried.map(([code]) =>
      setting(
        `${where}: failures.${code} cannot be dead_letter for a broadcast, for each process would write one; expected retry, wait or skip`,
      ),
    ),
  ]
}

function setting(message: string): SetupProblem {
  return { code: 'contract.setting', message }
}
