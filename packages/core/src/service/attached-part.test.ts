import { expect, test } from 'vitest'
import { hook } from '../handler/hook.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Transport } from '../transport/transport.ts'
import { defineService } from './define-service.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }

function notingTransport(name: string, seen: string[]): Transport {
  const note = (step: string) => async () => void seen.push(`${name} ${step}`)
  return {
    name,
    carries: () => false,
    bind: () => ({
      listen: async () => (seen.push(`${name} listens`), []),
      withdraw: () => undefined,
      drain: note('drains'),
      close: note('closes'),
    }),
  }
}

function attachedService(seen: string[]) {
  const service = defineService({
    name: 'part',
    version: '1.0.0',
    handlers: [],
    transports: () => [notingTransport('own', seen)],
    onDrain: [hook('own', () => void seen.push('own hook'))],
    admin: false,
  })
  service.attach({
    transports: [notingTransport('theirs', seen)],
    onDrain: [hook('their drain', () => void seen.push('their drain hook'))],
    onStop: [hook('their end', () => void seen.push('their end hook'))],
  })
  return service
}

test('what is attached starts and stops with the service, behind what is its own', async () => {
  const seen: string[] = []
  const service = attachedService(seen)
  const started = await service.start({ log })
  expect(seen).toEqual(['own listens', 'theirs listens'])
  expect((await started.stop()).exitCode).toBe(0)
  expect(seen.slice(2)).toEqual([
    'own hook',
    'their drain hook',
    'own drains',
    'theirs drains',
    'own closes',
    'theirs closes',
    'their end hook',
  ])
})

test('check() and describe() know of it', async () => {
  const service = attachedService([])
  expect(await service.check()).toMatchObject({ ok: true })
  expect(service.describe().transports.map(({ name }) => name)).toEqual(['own', 'theirs'])
  expect(service.describe().hooks.map(({ name }) => name)).toEqual(['own', 'their drain', 'their end'])
  service.attach({ transports: [notingTransport('own', [])] })
  expect((await service.check()).problems).toMatchObject([{ code: 'wiring.duplicate_transport' }])
})

test('transports that a start is given take the place of attached ones too', async () => {
  const seen: string[] = []
  await using _started = await attachedService(seen).start({ log, transports: [notingTransport('memory', seen)] })
  expect(seen).toEqual(['memory listens'])
})

test('nothing can be attached to a service that runs', async () => {
  const service = attachedService([])
  await using started = await service.start({ log })
  const attach = () => service.attach({ transports: [notingTransport('late', [])] })
  expect(attach).toThrow('service part is ready: stop it before it is given another part')
  await started.stop()
  attach()
})
