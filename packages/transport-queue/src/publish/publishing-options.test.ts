import { ConfigError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { type QueueOptions, resolveQueue } from '../queue-options.ts'

const resolve = (options: object) => resolveQueue({ driver: memoryDriver(), ...options } as QueueOptions)

describe('options of publishing', () => {
  it('have defaults', () => {
    expect(resolve({})).toMatchObject({
      mode: 'binary',
      dataSchema: undefined,
      maxPublishingCount: 10_000,
      maxPublishingBytes: 33_554_432,
    })
  })

  it.each([
    { mode: 'structured' },
    { dataSchema: 'https://schema.example.com/event' },
    { dataSchema: 'urn:schema' },
    { dataSchema: () => undefined },
    { maxPublishingCount: 1, maxPublishingBytes: 1_024 },
  ])('take %o', (options) => {
    expect(resolve(options)).toMatchObject(options)
  })

  it.each([
    [{ mode: 'batch' }, 'mode must be one of binary, structured, found "batch"'],
    [
      { dataSchema: '/schema' },
      'dataSchema must be the base of an absolute URL such as https://schema.example.com/event/, or a function of the topic, found "/schema"',
    ],
    [{ dataSchema: 'https://schema.example.com/?topic=' }, 'dataSchema must be the base of an absolute URL'],
    [{ dataSchema: 'https://schema.example.com/#' }, 'dataSchema must be the base of an absolute URL'],
    [{ dataSchema: {} }, 'found an object'],
    [{ dataSchema: 5 }, 'found 5'],
    [{ maxPublishingCount: 0 }, 'maxPublishingCount must be a whole number from 1 to 1000000, found 0'],
    [{ maxPublishingBytes: 1_023 }, 'maxPublishingBytes must be a whole number from 1024 to 4294967296, found 1023'],
  ])('refuse %o', (options, told) => {
    expect(() => resolve(options)).toThrow(ConfigError)
    expect(() => resolve(options)).toThrow(told)
  })
})
