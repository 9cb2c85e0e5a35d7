import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition } from '../../queue-driver.ts'
import { brokerAbsence, KafkaBroker } from './kafka-broker.test-harness.ts'
import { type Client, clients, connect, createTopic, handling, join, never, send } from './kafka-client.test-harness.ts'
import type { Told } from './kafka-member.test-process.ts'

const skipped = brokerAbsence === undefined ? '' : ` (skipped: ${brokerAbsence})`
const times = { sessionTimeoutMs: 2_000, heartbeatIntervalMs: 200 }
let broker: KafkaBroker

describe.skipIf(skipped !== '')(`Kafka with faults${skipped}`, () => {
  beforeAll(async () => {
    broker = await KafkaBroker.start()
  })
  afterAll(() => broker[Symbol.asyncDispose]())

  it('loses nothing, on any client, while the broker is killed and started under them, and commits beside again', async () => {
    const runs = await Promise.all(clients.map((client) => underWay(client)))
    await Promise.all(runs.map(({ ready }) => ready))
    await broker.stop('SIGKILL')
    await Promise.all(runs.map(({ send: more }) => more()))
    await broker.launch()
    for (const { finish } of runs) await finish()
  })

  it('keeps partitions, on any client, while a message takes longer than the session', async () => {
    await Promise.all(
      clients.map(async (client) => {
        const driver = await connect(client, { brokers: [broker.address('plain')], ...times })
        const topic = await createTopic(driver)
        await send(driver, topic, ['1', '2'])
        const handled: string[] = []
        const both = Promise.withResolvers<void>()
        const consume = handling(async (value, { lost }) => {
          await delay(3_500)
          handled.push(value)
          expect(lost.aborted).toBe(false)
          if (handled.length === 2) both.resolve()
        })
        const member = await join(driver, { topic, consume })
        await both.promise
        await member.leave(never)
        expect(handled).toEqual(['1', '2'])
        expect(await driver.describe(topic, `${topic}.group`)).toMatchObject([{ committedOffset: 2 }])
      }),
    )
  })

  it.each(clients)('hands over what a member had that was killed: %s', async (client) => {
    const driver = await connect(client, { brokers: [broker.address('plain')], ...times })
    const topic = await createTopic(driver)
    await send(driver, topic, ['1'])
    await using child = await startMember(client, topic)
    expect(await child.told('given')).toMatchObject({ value: '1' })
    const again = Promise.withResolvers<string>()
    const joining = join(driver, { topic, consume: handling((value) => again.resolve(value)) })
    child.kill('SIGKILL')
    expect(await again.promise).toBe('1')
    await (await joining).leave(never)
  })

  it.each(clients)(
    'refuses the commit of a member that stood still for longer than its session: %s',
    async (client) => {
      const driver = await connect(client, { brokers: [broker.address('plain')], ...times })
      const topic = await createTopic(driver)
      const beside = `${topic}.beside`
      await driver.ensureTopics([{ topic: beside, partitionCount: 1 }])
      await send(driver, topic, ['1'])
      await using child = await startMember(client, topic)
      await child.told('given')
      child.kill('SIGSTOP')
      const handled: string[] = []
      const again = Promise.withResolvers<void>()
      const consume = handling((value) => {
        handled.push(value)
        again.resolve()
      })
      const member = await join(driver, { topic, consume })
      await again.promise
      await send(driver, topic, ['2'])
      child.process.send('commit')
      child.kill('SIGCONT')
      expect(await child.told('committed')).toMatchObject({ isStored: false, isStoredBeside: false })
      expect(await driver.describe(beside, `${topic}.group`)).toMatchObject([{ committedOffset: undefined }])
      await child.told('lost')
      await member.leave(never)
      // The process is in the group again, and is given what comes next.
      await send(driver, topic, ['3'])
      expect(await child.told('given')).toBeDefined()
      expect(handled).toContain('1')
    },
  )

  it('leaves and closes, on any client, while the broker is away', async () => {
    const open = async (client: Client) => {
      const driver = await connect(client, { brokers: [broker.address('plain')], ...times })
      const topic = await createTopic(driver)
      return { driver, topic, member: await join(driver, { topic }) }
    }
    const parts = await Promise.all(clients.map(open))
    await broker.stop('SIGKILL')
    await Promise.all(
      parts.map(async ({ driver, topic, member }) => {
        const unsent = expect(send(driver, topic, ['unsent'])).rejects.toMatchObject({ code: 'unavailable' })
        await member.leave(never)
        expect(member.state).toBe('left')
        await driver.close()
        await unsent
      }),
    )
  })
})

/** Sends and handles messages, whatever becomes of the broker. */
async function underWay(client: Client) {
  const driver = await connect(client, { brokers: [broker.address('plain')], ...times })
  const topic = await createTopic(driver, 2)
  const beside = await createTopic(driver, 2)
  const owned = new Map<number, AssignedPartition>()
  const [sent, handled] = [new Set<string>(), new Set<string>()]
  const ready = Promise.withResolvers<void>()
  const all = Promise.withResolvers<void>()
  let isEnough = false
  const isAllHandled = () => [...sent].every((value) => handled.has(value))
  const consume = handling((value, partition) => {
    owned.set(partition.partition, partition)
    handled.add(value)
    if (handled.size === 20) ready.resolve()
    if (isEnough && isAllHandled()) all.resolve()
  })
  const member = await join(driver, { topic, consume })
  const stop = new AbortController()
  const sending = (async () => {
    for (let count = 0; !stop.signal.aborted; count++) {
      const value = `${client} ${count}`
      // What was not acknowledged is sent again, as a caller would.
      const isStored = await send(driver, topic, [value]).then(
        () => true,
        () => false,
      )
      if (isStored) sent.add(value)
      await delay(10)
    }
  })()
  return {
    ready: ready.promise,
    /** For a while, without a broker. */
    send: () => delay(1_500),
    finish: async () => {
      const before = sent.size
      while (sent.size < before + 20) await delay(50)
      stop.abort()
      await sending
      isEnough = true
      if (isAllHandled()) all.resolve()
      await all.promise
      // Of the last assignment, which may only just have begun.
      for (const number of [0, 1]) while (!(await owned.get(number)?.commitBeside(beside, 1))) await delay(50)
      await member.leave(never)
    },
  }
}

async function startMember(client: Client, topic: string) {
  const path = fileURLToPath(new URL('kafka-member.test-process.ts', import.meta.url))
  const child: ChildProcess = fork(path, [client, broker.address('plain'), topic], {
    execArgv: ['--conditions=@tenon/source', '--import', 'tsx'],
  })
  const heard: Told[] = []
  let hear = Promise.withResolvers<void>()
  child.on('message', (told: Told) => {
    heard.push(told)
    hear.resolve()
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    process: child,
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
    /** The next of its kind that the process tells, or has told. */
    told: async (is: Told['is']): Promise<Told> => {
      for (;;) {
        const found = heard.findIndex((told) => told.is === is)
        const [told] = found < 0 ? [] : heard.splice(found, 1)
        if (told !== undefined) return told
        hear = Promise.withResolvers()
        await hear.promise
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
