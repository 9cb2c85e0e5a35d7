import type { Readable } from 'node:stream'
import { nextTurn } from '@tenon/core/transport'
import { pumpOf } from './body-pump.ts'

/**
 * The bytes of a body, each time when they are asked for, so that whoever does not ask holds the caller back once enough has
 * been read ahead. What is left when nobody asks any more is dropped.
 *
 * @throws ServiceError `cancelled` when the caller leaves before the end of the body.
 */
export async function* chunksOf(payload: Readable): AsyncGenerator<Buffer> {
  const pump = pumpOf(payload)
  try {
    for (let chunk = await pump.next(); chunk !== undefined; chunk = await pump.next()) {
      yield chunk
      // Not every chunk has an item for the handler.
      const turn = nextTurn()
      if (turn) await turn
    }
  } finally {
    pump.drop()
  }
}
