import type { IncomingHttpHeaders } from 'node:http'

/** As the dispatcher takes it for the id of a call. */
const idForm = /^[\w.:-]{1,128}$/

/** The id that a request names for itself, where it may be told again; for replies to requests that led to no call. */
export function sentId({ 'x-request-id': id }: IncomingHttpHeaders): string | undefined {
  return typeof id === 'string' && idForm.test(id) ? id : undefined
}
