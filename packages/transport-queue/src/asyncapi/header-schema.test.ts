import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import {
  deadLetterForms,
  redriveGroupHeader,
  redriveLetterHeader,
  redrivePatchedHeader,
} from '../dead-letter/dead-letter.ts'
import { deadLetterHeaders, messageHeaders } from './header-schema.ts'

it('describes exactly the headers that a dead letter has, in any of its forms', () => {
  const record = { topic: 't', partition: 0, offset: 7, key: null, value: null, headers: [], timestampAt: 0 }
  const error = new ServiceError('aborted', 'no stock', { reason: 'out_of_stock' })
  const burial = { error, group: 'g', handler: 'consume t', attemptCount: 1, firstFailedAt: 0, failedAt: 0 }
  const names = new Set<string>()
  const forms = deadLetterForms(record, burial)
  for (let form = forms.next(); ; form = forms.next()) {
    const here = form.value.headers.map(([name]) => name)
    expect(here).toEqual(expect.arrayContaining([...requiredOf(deadLetterHeaders)]))
    for (const name of here) names.add(name)
    if (form.done) break
  }
  expect([...names].toSorted()).toEqual(namesOf(deadLetterHeaders))
})

it('describes the headers of a dead letter that was sent again', () => {
  const redriven = [redriveGroupHeader, redriveLetterHeader, redrivePatchedHeader]
  expect(namesOf(messageHeaders('binary'))).toEqual(expect.arrayContaining(redriven))
})

it('says in which mode the attributes count', () => {
  expect(messageHeaders('binary')).toMatchObject({ description: expect.stringContaining('binary mode') as string })
  const { description } = messageHeaders('structured')
  expect(description).toContain('structured mode')
  expect(description).not.toContain('binary')
})

function namesOf(schema: object): readonly string[] {
  return Object.keys(Object(Reflect.get(schema, 'properties'))).toSorted()
}

function requiredOf(schema: object): readonly string[] {
  const required: unknown = Reflect.get(schema, 'required')
  return Array.isArray(required) ? required.map(String) : []
}
