import {
  defineSchedule,
  defineService,
  every,
  inject,
  provide,
  Publisher,
  event,
  ServiceError,
  token,
} from '@tenon/core'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { override } from './override.ts'
import { testService } from './test-service.ts'

const tidied = event('demo.tidied.v1', { key: 'shelf', payload: Type.Object({ shelf: Type.String() }) })
const Shelf = token<string>('Shelf')

function worker() {
  return defineService({
    name: 'worker',
    version: '1.0.0',
    providers: () => [provide(Shelf, { create: () => 'left' })],
    handlers: [
      defineSchedule('tidy', every('1 m'), () => {
        const publisher = inject(Publisher)
        const shelf = inject(Shelf)
        return async () => {
          if (shelf === 'none') throw new ServiceError('failed_precondition', 'there is nothing to tidy')
          await publisher.publish(tidied, { shelf })
        }
      }),
    ],
  })
}

test('runSchedule() runs a schedule once, with what stands in for its providers', async () => {
  await using service = await testService(worker(), { overrides: [override(Shelf, 'right')] })
  await service.runSchedule('tidy')
  expect(service.published(tidied).map(({ payload }) => payload)).toEqual([{ shelf: 'right' }])
})

test('runSchedule() fails as the run does', async () => {
  await using service = await testService(worker(), { overrides: [override(Shelf, 'none')] })
  await expect(service.runSchedule('tidy')).rejects.toMatchObject({ code: 'failed_precondition' })
  await expect(service.runSchedule('sweep')).rejects.toMatchObject({ code: 'not_found' })
})

test('schedules run at their moments on a fake clock', async () => {
  await using service = await testService(worker(), { clock: 'fake' })
  await service.clock.advance(150_000)
  expect(service.published(tidied)).toHaveLength(2)
})

test('schedules run by themselves only when they are told to', async () => {
  await using service = await testService(worker(), { clock: 'fake', schedules: false })
  await service.clock.advance(150_000)
  expect(service.published(tidied)).toEqual([])
})
