import { defineConsumer, defineService, event, ServiceError } from '@tenon/core'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { testService } from './test-service.ts'

const Reading = Type.Object({ sensorId: Type.String(), celsius: Type.Number() })
const measured = event('demo.measured.v1', { key: 'sensorId', payload: Reading })

function serviceOf(batches: unknown[]) {
  const store = defineConsumer(
    measured,
    () => (items) => {
      batches.push(items.map(({ payload, attempt }) => `${payload.sensorId}:${attempt}`))
      for (const { payload, fail } of items)
        if (payload.celsius < -273.15) fail(new ServiceError('failed_precondition', 'colder than cold'))
      if (items.length === 1) throw new Error('this test wants several')
    },
    { batch: { maxCount: 3 } },
  )
  const audit = defineConsumer(measured, () => () => undefined, { group: 'audit' })
  return defineService({ name: 'store', version: '1.0.0', handlers: [store, audit] })
}

test('stores what can be stored, and tells what cannot', async () => {
  const batches: unknown[] = []
  await using store = await testService(serviceOf(batches))
  const readings = [20, -300, 21].map((celsius, index) => ({ sensorId: `s${index}`, celsius }))
  const deliveries = await store.publishBatch(measured, readings, { group: 'store', attempt: 2 })
  expect(deliveries).toMatchObject([{ ok: true }, { ok: false, error: { code: 'failed_precondition' } }, { ok: true }])
  expect(batches).toEqual([['s0:2', 's1:2', 's2:2']])
})

test('delivers no more at a time than the consumer takes, and none that it cannot read', async () => {
  const batches: unknown[] = []
  await using store = await testService(serviceOf(batches))
  const readings = Array.from({ length: 6 }, (_, index) => ({ sensorId: `s${index}`, celsius: 1 }))
  const given = readings.with(1, { sensorId: 's1' } as never)
  const deliveries = await store.publishBatch(measured, given, { group: 'store' })
  expect(deliveries.map((one) => (one.ok ? 'ok' : one.error.code))).toEqual([
    'ok',
    'invalid_argument',
    ...Array(4).fill('ok'),
  ])
  expect(batches).toEqual([
    ['s0:1', 's2:1', 's3:1'],
    ['s4:1', 's5:1'],
  ])
})

test('delivers a single event as a batch of one', async () => {
  const batches: unknown[] = []
  await using store = await testService(serviceOf(batches))
  const delivery = await store.publish(measured, { sensorId: 'a', celsius: 1 }, { group: 'store' })
  expect(delivery).toMatchObject({ ok: false, group: 'store', error: { code: 'internal' } })
  expect(batches).toEqual([['a:1']])
})

test('asks for a consumer that takes several, and tells those that the signal ended', async () => {
  await using store = await testService(serviceOf([]))
  const reading = { sensorId: 'a', celsius: 1 }
  await expect(store.publishBatch(measured, [reading], { group: 'audit' })).rejects.toThrow(
    new TypeError('the consumer of demo.measured.v1 takes messages one by one: deliver them with publish()'),
  )
  const signal = AbortSignal.abort()
  const deliveries = await store.publishBatch(measured, [reading], { group: 'store', signal })
  expect(deliveries).toMatchObject([{ ok: false, error: { code: 'cancelled' } }])
})
