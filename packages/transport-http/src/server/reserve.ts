import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { ServiceError } from '@tenon/core/transport'

/** How many connections beyond the limit may ask for probes at a time. A guess: a kubelet has one open for each probe. */
export const reservedCount = 16

/** A guess: how long such a connection may be open. Those that stay would keep probes out. */
const reservedLifeMs = 10_000

const isBeyond: unique symbol = Symbol('tenon.beyond_connection_limit')

/** Lets a connection beyond the limit ask for a probe, and for nothing else. */
export function reserve(socket: Socket): void {
  Object.defineProperty(socket, isBeyond, { value: true })
  const timer = setTimeout(() => socket.destroy(), reservedLifeMs).unref()
  socket.once('close', () => clearTimeout(timer))
}

/** Whether a request came over a connection beyond the limit. The socket that Node shows of HTTP/2 passes the mark on. */
export function isReserved({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
  return Reflect.get(socket, isBeyond) === true
}

/** What is told to who asks for more than a probe there. Nothing was done, so a caller may try elsewhere. */
export function beyondLimit(): ServiceError {
  return new ServiceError('unavailable', 'the server has as many connections as it may; try again elsewhere')
}
