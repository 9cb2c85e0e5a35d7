import { expect, test } from 'vitest'
import { ConfigError, LifecycleError } from '../error/setup-error.ts'
import type { Transport, TransportServer } from '../transport/transport.ts'
import { defineService } from './define-service.ts'

const silent = { LOG_LEVEL: 'silent' }

function transport(name: string, listen: TransportServer['listen'], close: () => void = () => undefined): Transport {
  const server: TransportServer = {
    listen,
    withdraw: () => undefined,
    drain: async () => undefined,
    close: async () => close(),
  }
  return { name, carries: () => false, bind: () => server }
}

function serviceWith(...transports: readonly Transport[]) {
  return defineService({ name: 'sample', version: '1.0.0', handlers: [], admin: false, transports: () => transports })
}

function listenFailed(message: string): LifecycleError {
  return new LifecycleError([{ code: 'service.listen_failed', message }])
}

test('closes its transports after a failed start only when each has either begun to listen or failed', async () => {
  const events: string[] = []
  const slow = Promise.withResolvers<void>()
  const service = serviceWith(
    transport(
      'slow',
      async () => {
        await slow.promise
        events.push('slow listens')
        return []
      },
      () => events.push('slow is closed'),
    ),
    transport('taken', async () => {
      slow.resolve()
      throw listenFailed('taken')
    }),
  )
  await expect(service.start({ environment: silent })).rejects.toThrow('taken')
  expect(events).toEqual(['slow listens', 'slow is closed'])
})

test('names every transport that cannot listen', async () => {
  const failing = ['http', 'grpc'].map((name) =>
    transport(name, () => Promise.reject(listenFailed(`no port for ${name}`))),
  )
  const error = await serviceWith(...failing)
    .start({ environment: silent })
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ problems: [{ message: 'no port for http' }, { message: 'no port for grpc' }] })
})

test('passes on what a transport fails with that is no error of ours', async () => {
  const odd = transport('odd', () => Promise.reject(new TypeError('odd')))
  await expect(serviceWith(odd).start({ environment: silent })).rejects.toThrow(TypeError)
  await expect(serviceWith().start({ environment: { LOG_LEVEL: 'loud' } })).rejects.toThrow(ConfigError)
})
