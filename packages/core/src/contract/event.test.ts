import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ContractError } from '../error/setup-error.ts'
import { type EventSpec, event } from './event.ts'

const loose: (topic: string, spec: EventSpec) => unknown = event as never

describe('event', () => {
  it('makes frozen data', () => {
    const payload = Type.Object({ userId: Type.String() })
    const created = event('shop.user.created.v1', { key: 'userId', payload, summary: 'A user was created.' })
    expect(created).toMatchObject({
      topic: 'shop.user.created.v1',
      key: 'userId',
      payloadSchema: payload,
      payloadJsonSchema: payload,
      summary: 'A user was created.',
    })
    expect(Object.isFrozen(created)).toBe(true)
  })

  it('says what documents and formats ask for', () => {
    const payload = Type.Object({ userId: Type.String() })
    const plain = event('shop.user.created.v1', { key: 'userId', payload })
    expect(plain).toMatchObject({ format: 'json', tags: [], deprecated: false })
    expect([plain.proto, plain.description]).toEqual([undefined, undefined])
    const proto = new URL('./created.proto', import.meta.url)
    const said = { format: 'protobuf', proto, description: 'Longer.', tags: ['users'], deprecated: true }
    const told = event('shop.user.created.v1', { key: 'userId', payload, ...said })
    expect(told).toMatchObject(said)
    expect(Object.isFrozen(told.tags)).toBe(true)
  })

  it('takes a payload of a Standard Schema library', () => {
    const created = event('created', { key: 'id', payload: z.object({ id: z.uuid() }) })
    expect(created.payloadJsonSchema).toMatchObject({ type: 'object' })
  })

  it.each<[topic: string, spec: EventSpec, problems: readonly (readonly [string, string])[]]>([
    [
      'Shop.Created',
      { key: 'id', payload: Type.Object({ id: Type.String() }) },
      [
        [
          'contract.name',
          'event Shop.Created: expected a topic of lower-case words joined by dots, such as shop.order.placed.v1, found "Shop.Created"',
        ],
      ],
    ],
    [
      'created',
      { key: 'id', payload: Type.Object({ userId: Type.String() }) },
      [['contract.queue', 'event created: key "id" must name a text field, found no such field']],
    ],
    [
      'created',
      { key: 'toString', payload: Type.Object({ id: Type.String() }) },
      [['contract.queue', 'event created: key "toString" must name a text field, found no such field']],
    ],
    [
      'created',
      { key: 'id', payload: Type.Object({ id: Type.Integer() }) },
      [['contract.queue', 'event created: key "id" must name a text field, found type "integer"']],
    ],
    [
      'created',
      { key: 'id', payload: Type.String() },
      [['contract.schema', 'event created: payload must be an object schema, found type "string"']],
    ],
    [
      'created',
      { key: 'id', payload: Type.Object({ id: Type.String() }), format: 'Protobuf 3' },
      [
        [
          'contract.setting',
          'event created: format must be the name of a format, such as protobuf, found "Protobuf 3"',
        ],
      ],
    ],
    [
      `created${'.x'.repeat(200)}`,
      { key: 'id', payload: z.object({ id: z.date() }) },
      [
        [
          'contract.name',
          `event created${'.x'.repeat(200)}: expected a topic of lower-case words joined by dots, such as shop.order.placed.v1, found "created${'.x'.repeat(200)}"`,
        ],
        [
          'contract.schema',
          `event created${'.x'.repeat(200)}: payload: /properties/id cannot be used: date is nothing that JSON has; use text with the format date-time`,
        ],
      ],
    ],
  ])('refuses %j with %j', (topic, spec, problems) => {
    expect(() => loose(topic, spec)).toThrow(
      new ContractError(problems.map(([code, message]) => ({ code: code as 'contract.name', message }))),
    )
  })
})
