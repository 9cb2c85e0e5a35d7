/**
 * The closed list of codes a call may fail with, each with its gRPC status number.
 *
 * @see google.rpc.Code, the canonical gRPC status codes
 */
export const errorCodes = {
  cancelled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
} as const satisfies Readonly<Record<string, number>>

/** One of the 16 codes a call may fail with. */
export type ErrorCode = keyof typeof errorCodes
