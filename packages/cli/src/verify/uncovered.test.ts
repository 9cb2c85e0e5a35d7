import { contract, event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { expect, test } from 'vitest'
import { SampleBook } from '../sample/sample-book.ts'
import type { Samples } from '../sample/samples.ts'
import { type Coverage, uncovered } from './uncovered.ts'

type Service = Parameters<typeof uncovered>[0]

const Note = Type.Object({ noteId: Type.String() })
const { read, write } = contract('test.v1.NoteService', {
  read: { input: Note, output: Note, http: 'GET /v1/notes/:noteId' },
  write: { input: Note, output: Note, queue: { topic: 'test.write.v1', key: 'noteId' } },
})
const written = event('test.written.v1', { key: 'noteId', payload: Note })

const worker = {
  name: 'note',
  description: { schedules: [], tasks: [] },
  operations: [write],
  topics: [
    { topic: 'test.write.v1', message: { command: write }, groups: ['note'] },
    { topic: 'test.written.v1', message: { event: written }, groups: ['note'] },
  ],
} as const satisfies Service
const whole = { ...worker, operations: [read, write] }

function missed(service: Service, covered: Partial<Coverage> = {}, samples: Samples = {}) {
  const none = { called: new Set<string>(), published: new Set<string>() }
  return uncovered(service, new SampleBook(samples), { ...none, ...covered }).map((line) => line.split(':')[0])
}

test('nothing is uncovered where calls or messages go to everything', () => {
  const published = new Set(['test.write.v1', 'test.written.v1'])
  expect(missed(worker, { published })).toEqual([])
  expect(missed(whole, { called: new Set([read.id]), published })).toEqual([])
})

test('operations and topics that nothing goes to are named once each', () => {
  expect(missed(whole)).toEqual([read.id, write.id, 'test.written.v1'])
  expect(missed(whole, { called: new Set([read.id, write.id]) })).toEqual(['test.write.v1', 'test.written.v1'])
})

test('what its user leaves out is not asked for, unless that is everything', () => {
  const samples = { [write.id]: false, 'test.written.v1': false } as const
  expect(missed(whole, { called: new Set([read.id]) }, samples)).toEqual([])
  expect(missed(whole, {}, { ...samples, [read.id]: false })).toEqual(['note'])
})

test('a service that works by itself alone is judged by its starts and stops, and one that does nothing is not', () => {
  const idle = { ...worker, operations: [], topics: [] }
  const task = { name: 'relay', needs: [], restart: 'always', initialDelayMs: 1, maxDelayMs: 1 } as const
  expect(missed({ ...idle, description: { schedules: [], tasks: [task] } })).toEqual([])
  expect(missed(idle)).toEqual(['note'])
})
