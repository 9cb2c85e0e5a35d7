/** Kafka's own names for what went wrong, which the library nests: `NOT_COORDINATOR`. */
export function errorIds(error: unknown): ReadonlySet<string> {
  return new Set(
    nested(error)
      .map((one) => Reflect.get(one, 'apiId'))
      .filter((id): id is string => typeof id === 'string'),
  )
}

/** Whether one of the names is among what went wrong. */
export function isAnyOf(error: unknown, ids: ReadonlySet<string>): boolean {
  return [...errorIds(error)].some((id) => ids.has(id))
}

/** Whether the brokers do not know who the client says it is. */
export function isRefusedCredential(error: unknown): boolean {
  return nested(error).some((one) => Reflect.get(one, 'code') === 'PLT_KFK_AUTHENTICATION')
}

/** Whether the brokers know no such topic. */
export function isUnknownTopic(error: unknown): boolean {
  const isMissing = (one: object) => String(Reflect.get(one, 'message')).startsWith('Unknown topic ')
  return errorIds(error).has('UNKNOWN_TOPIC_OR_PARTITION') || nested(error).some(isMissing)
}

/** Whether the library holds that trying again is of no use; a topic that is not known may be so in a moment. */
export function isFinal(error: unknown): boolean {
  const isForGood = nested(error).some((one) => Reflect.get(one, 'canRetry') === false)
  return isForGood && (errorIds(error).has('UNKNOWN_TOPIC_OR_PARTITION') || !isUnknownTopic(error))
}

/** What was answered, where an answer told of the error. */
export function responseOf(error: unknown): unknown {
  return nested(error)
    .map((one): unknown => Reflect.get(one, 'response'))
    .find((response) => response !== undefined)
}

/** What went wrong, in words: the innermost reason, for those around it say only what was tried. */
export function reasonOf(error: unknown): string {
  const reasons = nested(error).filter((one) => nested(one).length === 1)
  const [first] = reasons
  return first instanceof Error ? first.message : String(error)
}

/** The error with all that it holds, from the outside to the inside. */
function nested(error: unknown): readonly object[] {
  if (typeof error !== 'object' || error === null) return []
  const several: unknown = Reflect.get(error, 'errors')
  const inside = [Reflect.get(error, 'cause'), ...(Array.isArray(several) ? several : [])]
  return [error, ...inside.flatMap(nested)]
}

/** What a coordinator says to a member whose partitions are another's. */
export const notOurs: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
  'FENCED_MEMBER_EPOCH',
  'STALE_MEMBER_EPOCH',
])

/** What no waiting mends. */
const hopeless: ReadonlySet<string> = new Set([
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_REQUEST',
  'UNSUPPORTED_ASSIGNOR',
  'UNSUPPORTED_VERSION',
  'GROUP_MAX_SIZE_REACHED',
])

export function isHopeless(error: unknown): boolean {
  const isUnsupported = nested(error).some((one) => Reflect.get(one, 'code') === 'PLT_KFK_UNSUPPORTED_API')
  return isUnsupported || isRefusedCredential(error) || isAnyOf(error, hopeless)
}
