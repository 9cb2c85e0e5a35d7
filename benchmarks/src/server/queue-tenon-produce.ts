import type { Publisher } from '@tenon/core'
import { withPublisher } from './queue-publisher.ts'
import { sendPaced, sendSideBySide } from './queue-send.ts'
import { preciseNowMs, serveTurns } from './queue-turn.ts'
import { orderOf, orderPlaced } from './queue-work.ts'
import { ready } from './ready.ts'

await withPublisher(async (publisher: Publisher) => {
  serveTurns(async ({ messageCount, perSecond }, handled) => {
    const send = async (index: number) => {
      await publisher.publish(orderPlaced, orderOf(index, preciseNowMs()))
      handled()
    }
    if (perSecond === undefined) await sendSideBySide(messageCount, send)
    else await sendPaced({ messageCount, perSecond }, send)
    return async () => undefined
  })
  ready(0)
  // The call goes on as long as the program.
  await new Promise(() => undefined)
})
