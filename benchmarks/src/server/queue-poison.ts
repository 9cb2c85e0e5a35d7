import { defineConsumer, defineService, type Publisher, ServiceError } from '@tenon/core'
import { queueTransport } from '@tenon/transport-queue'
import { benchDriver } from './queue-driver.ts'
import { withPublisher } from './queue-publisher.ts'
import { sendPaced, sendSideBySide } from './queue-send.ts'
import { type Handled, preciseNowMs, serveTurns, type Turn } from './queue-turn.ts'
import { handleOrder, orderOf, orderPlaced, poisonKey } from './queue-work.ts'
import { ready } from './ready.ts'

/** A turn in which messages of some keys may fail each time. */
export interface PoisonTurn extends Turn {
  /** Their messages are not counted, whether they fail or not, so that turns with and without failures are of the same messages. */
  readonly poisonedKeys: readonly string[]
  readonly isFailing: boolean
  /** Before the second attempt of one that fails. */
  readonly initialDelayMs: number
  readonly start: 'earliest' | 'latest'
  /** How many a program sends that sends for itself, those of poisoned keys too. */
  readonly sentCount: number
}

/** What the program stores in its one partition before it serves, behind the poison message. */
const storedCount = Number(process.env['BENCH_STORED'] ?? 0)
/** How many messages of its key lie right behind the poison message; then one of another key lies before it, which begins each turn. */
const followerCount = Number(process.env['BENCH_FOLLOWERS'] ?? 0)
/** The memory of a process is nobody else's, so that it sends for itself. */
const isSender = process.env['BENCH_DRIVER'] === 'memory'

// Creates the topic, for a publisher says of none how many partitions it has.
const first = { group: 'first', poisonedKeys: [], isFailing: false, initialDelayMs: 1_000, start: 'latest' } as const
await (await startConsumer(first, () => undefined)).stop()
if (storedCount > 0 || isSender) await withPublisher(serveFrom)
else await serveFrom()

async function serveFrom(publisher?: Publisher): Promise<void> {
  if (publisher && storedCount > 0) await store(publisher)
  serveTurns((turn, handled) => runTurn(turn as PoisonTurn, handled, publisher))
  ready(0)
  // The call of the publisher goes on as long as the program.
  await new Promise(() => undefined)
}

async function store(publisher: Publisher): Promise<void> {
  const firstCount = followerCount > 0 ? 1 : 0
  await sendSideBySide(firstCount, (index) => publisher.publish(orderPlaced, orderOf(index)))
  const poison = { ...orderOf(0), userId: poisonKey }
  await sendSideBySide(1 + followerCount, () => publisher.publish(orderPlaced, poison))
  await sendSideBySide(storedCount - firstCount, (index) => publisher.publish(orderPlaced, orderOf(firstCount + index)))
}

async function runTurn(turn: PoisonTurn, handled: Handled, publisher: Publisher | undefined) {
  const started = await startConsumer(turn, handled)
  const sending = turn.perSecond === undefined ? undefined : publisher && send(turn, publisher)
  return async () => {
    await sending
    await started.stop()
  }
}

/** Tells of a message when it was due, so that what holds up the sender counts too. */
function send({ sentCount, perSecond = 1 }: PoisonTurn, publisher: Publisher): Promise<void> {
  const startedAtMs = preciseNowMs()
  return sendPaced({ messageCount: sentCount, perSecond }, (index) =>
    publisher.publish(orderPlaced, orderOf(index, startedAtMs + (index * 1_000) / perSecond)),
  )
}

type ConsumerFacts = Pick<PoisonTurn, 'group' | 'poisonedKeys' | 'isFailing' | 'initialDelayMs' | 'start'>

function startConsumer({ group, poisonedKeys, isFailing, initialDelayMs, start }: ConsumerFacts, handled: Handled) {
  const poisoned = new Set(poisonedKeys)
  const consumer = defineConsumer(
    orderPlaced,
    () => async (order) => {
      handleOrder(order)
      if (!poisoned.has(order.userId)) handled(order.sentAt || undefined)
      else if (isFailing) throw new ServiceError('aborted', 'an order that cannot be handled')
    },
    { group, start, retry: { initialDelayMs } },
  )
  const service = defineService({
    name: 'bench',
    version: '1.0.0',
    admin: false,
    handlers: [consumer],
    transports: () => [queueTransport({ driver: benchDriver(), partitionCount: 1 })],
  })
  return service.start()
}
