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

/** Sends so many a second, whatever comes back, and resolves when all were taken. */
export async function sendPaced(
  { messageCount, perSecond }: { readonly messageCount: number; readonly perSecond: number },
  send: (index: number) => Promise<unknown>,
): Promise<void> {
  const startedAt = performance.now()
  const sending: Promise<unknown>[] = []
  while (sending.length < messageCount) {
    const dueCount = Math.min(messageCount, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000))
    while (sending.length < dueCount) sending.push(send(sending.length))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(sending)
}
