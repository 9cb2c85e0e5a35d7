import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '@tenon/testing'
import { type KafkaOptions, kafkajsDriver, platformaticDriver } from '@tenon/transport-queue'
import { describe, expect, test } from 'vitest'
import {
  account,
  brokerAbsence,
  KafkaBroker,
} from '../../../packages/transport-queue/src/driver/kafka/kafka-broker.test-harness.ts'
import type { DriverName } from '../process/instance-environment.ts'
import { kafkaClients } from '../process/process-broker.ts'
import { reasonOf, statusesOf, watchProbes } from './probe.ts'
import { requireCommitted, type RunningProbed, send, startProbed } from './probed-service.ts'
import { openPlace, type QueuePlace } from './queue-place.ts'

const absence = process.env['TENON_FAULT_RUNS'] === undefined ? 'a long run, without TENON_FAULT_RUNS' : brokerAbsence
/** How long a broker is away. */
const outageMs = Number(process.env['TENON_OUTAGE_MS'] ?? 15_000)
const stallAfterMs = 3_000
const queue = { maxHandlerMs: 1_000, stallAfterMs, retry: { maxAttemptCount: 1_000 } }
const patience = { timeoutMs: 120_000 }

test.each([
  ['with all handled that may be before a commit is', { maxUncommittedCount: 2 }, 'handled'],
  ['with a handler that never ends', {}, 'wedged'],
] as const)(
  'a queue file that is locked for longer than anything may stand still leaves probes as they are, %s',
  async (_how, options, id) => {
    await using place = await openPlace('sqlite', { sessionTimeoutMs: 500 })
    const [running, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const handle = async (of: string) => {
      running.resolve()
      if (of === 'wedged') await release.promise
    }
    const quick = { ...queue, maxHandlerMs: 300, stallAfterMs: 1_000, ...options }
    await using probed = await startProbed({ ...place, driver: place.newDriver(), handle, queue: quick })
    using watched = watchProbes(probed.at)
    const file = new DatabaseSync(place.broker.target)
    await send(place.sender, place, [`${id} 1`, `${id} 2`, `${id} 3`, `${id} 4`, id])
    await running.promise
    file.exec('BEGIN IMMEDIATE')
    await wait(2_000)
    expect(watched.seen).toEqual(['200 200'])
    expect(probed.errors.filter((text) => text.includes('stands still'))).toEqual([])
    file.exec('ROLLBACK')
    file.close()
    release.resolve()
    await eventually(() => expect(probed.handled).toContain(id), patience)
    await eventually(() => requireCommitted(place.sender, place.topic, place.group), patience)
    await eventually(async () => expect(await statusesOf(probed.at)).toBe('200 200'), patience)
  },
)

describe.skipIf(absence)(
  `a broker of Kafka${absence ? ` (skipped: ${absence})` : ''}`,
  { timeout: 240_000 + 2 * outageMs },
  () => {
    test.each([
      ['stands still', async (broker: KafkaBroker) => broker.freeze(), async (broker: KafkaBroker) => broker.thaw()],
      ['is killed', (broker: KafkaBroker) => broker.stop('SIGKILL'), (broker: KafkaBroker) => broker.launch()],
    ] as const)(
      'that %s leaves the probes of its consumers as they are, also with a handler that never ends',
      async (_how, away, back) => {
        await using broker = await KafkaBroker.start()
        const runs = await Promise.all(kafkaClients.map((client) => wedge(client, broker)))
        await away(broker)
        await wait(outageMs)
        expect(runs.map(({ watched }) => watched.seen)).toEqual(runs.map(() => ['200 200']))
        await back(broker)
        for (const { probed, release } of runs) {
          // Then it is the handler that does not come to an end.
          await eventually(() => requireWedged(probed), patience)
          release()
          await eventually(async () => expect(await statusesOf(probed.at)).toBe('200 200'), patience)
        }
        for (const run of runs) await finish(run)
      },
    )

    test.each(['kafkajs', 'platformatic'] as const)(
      'that lets nobody read any more ends the service with exit code 1, through %s',
      async (client) => {
        await using broker = await KafkaBroker.start()
        const brokers = [broker.address('sasl')]
        const sasl: KafkaOptions['sasl'] = { mechanism: 'plain', ...account }
        const options: KafkaOptions = { brokers, sasl, sessionTimeoutMs: 2_000, heartbeatIntervalMs: 200 }
        await using place = await openPlace(client, { brokers: broker.address('plain') })
        const driver = client === 'kafkajs' ? kafkajsDriver(options) : platformaticDriver(options)
        const [running, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        const handle = async () => {
          running.resolve()
          await release.promise
        }
        await using probed = await startProbed({ ...place, driver, handle })
        await send(place.sender, place, ['last'])
        await running.promise
        await broker.deny('group', place.group, 'read')
        await eventually(async () => expect(await statusesOf(probed.at)).toBe('200 503'), patience)
        release.resolve()
        expect((await probed.service.ended).exitCode).toBe(1)
        expect(probed.errors).toContain('a transport failed; the service stops')
      },
    )
  },
)

/** A consumer whose message never ends before it is told to. */
async function wedge(client: DriverName, broker: KafkaBroker) {
  const place = await openPlace(client, { brokers: broker.address('plain'), sessionTimeoutMs: 2_000 })
  const [running, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const handle = async () => {
    running.resolve()
    await released.promise
  }
  const probed = await startProbed({ ...place, driver: place.newDriver(), handle, queue })
  await send(place.sender, place, ['wedged'])
  await running.promise
  const watched = watchProbes(probed.at)
  return { place, probed, watched, release: () => released.resolve() }
}

/** @throws Error unless it is not live for that */
async function requireWedged({ at }: RunningProbed): Promise<void> {
  expect(await statusesOf(at)).toBe('503 200')
  expect(await reasonOf(at)).toContain('no handler comes to an end')
}

/** Sees that it goes on, and ends it. */
async function finish({ place, probed, watched }: Wedged): Promise<void> {
  watched[Symbol.dispose]()
  await send(place.sender, place, ['after'])
  await eventually(() => expect(probed.handled).toContain('after'), patience)
  await eventually(() => requireCommitted(place.sender, place.topic, place.group), patience)
  await probed[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
}

interface Wedged {
  readonly place: QueuePlace
  readonly probed: RunningProbed
  readonly watched: ReturnType<typeof watchProbes>
}
