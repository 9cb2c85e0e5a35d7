import type { Logger } from '@tenon/core/transport'

/** Where the numbers of a service come from. */
export interface Numbering {
  /** Full name: `shop.user.v1.UserService`. */
  readonly fullName: string
  /** `descriptor` for a contract that was made from `.proto` files. */
  readonly numberedBy: 'declaration' | 'lock' | 'descriptor'
  /** What its lock does not know yet, or still has. */
  readonly lockChanges: readonly string[]
}

/** How many changes a warning names. */
const namedCount = 10

/**
 * Says which locks are behind, and while developing which contracts have none, in one line each.
 *
 * A lock that is behind is told of in production too: until it is written and committed, another branch may give away the same numbers.
 */
export function warnOfLocks(
  services: readonly Numbering[],
  log: Logger,
  { isDevelopment }: { readonly isDevelopment: boolean },
): void {
  for (const { fullName, lockChanges } of services)
    if (lockChanges.length > 0)
      log.warn(
        { contract: fullName, changes: lockChanges.slice(0, namedCount), changeCount: lockChanges.length },
        'the .proto file of a contract is behind it: run updateProto() and commit the file, which keeps the field numbers',
      )
  const contracts = services.filter(({ numberedBy }) => numberedBy === 'declaration').map(({ fullName }) => fullName)
  if (isDevelopment && contracts.length > 0)
    log.warn(
      { contracts },
      "gRPC field numbers follow the order of declaration: to keep them when a contract changes, name a file, contract(…, …, { proto: new URL('./user.proto', import.meta.url) }), and run updateProto()",
    )
}
