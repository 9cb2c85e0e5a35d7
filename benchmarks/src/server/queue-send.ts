/** So many messages are on the way at any time. */
const sideBySideCount = 200

/** Sends so many messages, a number of them at a time, each awaited. */
export async function sendSideBySide(messageCount: number, send: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const sender = async () => {
    while (next < messageCount) await send(next++)
  }
  await Promise.all(Array.from({ length: sideBySideCount }, sender))
}

/**
 * Sends so many a second, whatever comes back, and resolves when all were taken. Keeps no list of what is on its way: collecting the
 * garbage around one took the sender 30 ms at a time, which is not the queue's.
 */
export async function sendPaced(
  { messageCount, perSecond }: { readonly messageCount: number; readonly perSecond: number },
  send: (index: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now()
  const all = Promise.withResolvers<void>()
  let [sentCount, takenCount] = [0, 0]
  const taken = () => {
    takenCount += 1
    if (takenCount === messageCount) all.resolve()
  }
  while (sentCount < messageCount) {
    const dueCount = Math.min(messageCount, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000))
    while (sentCount < dueCount) send(sentCount++).then(taken, all.reject)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await all.promise
}
