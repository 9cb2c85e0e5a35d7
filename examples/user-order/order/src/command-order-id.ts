import { createHash } from 'node:crypto'
import { orders } from '@shop/contracts'
import { type Call, fault } from '@tenon/core'

/**
 * The id of the order that a command without one places: the same however often its message is delivered, for it comes of
 * what its sender named it.
 *
 * @throws ServiceError `invalid_argument` for a message that has no name either: delivered again, it could not be told from
 * another order.
 * @see CloudEvents 1.0: source and id together name an event
 */
export function commandOrderId({ metadata }: Pick<Call, 'metadata'>): string {
  const { ce_source: source, ce_id: id } = metadata
  if (!source || !id) throw unnamed()
  return toUuid(JSON.stringify([source, id]))
}

function unnamed(): Error {
  const message = 'is needed in a command whose message has no ce_id and ce_source'
  return fault(orders.placeOrder, 'invalid_argument', {
    message: `/orderId ${message}`,
    details: { violations: [{ field: '/orderId', message, rule: 'required' }] },
  })
}

/** @see RFC 9562 section 5.8: a UUID of version 8 leaves all bits but version and variant to its maker */
function toUuid(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex')
  const variant = ((Number.parseInt(hash.slice(16, 17), 16) & 0x3) | 0x8).toString(16)
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}
