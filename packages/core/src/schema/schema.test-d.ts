import Type from 'typebox'
import { contract } from '../contract/contract.ts'
import type { Input, InputToSend, Output, OutputReceived } from '../contract/operation.ts'
import type { FilledSchema, ValueOf, WireOf } from './schema.ts'

type Filled = FilledSchema<{ readonly name?: string }, { name: string }>
const filled = Type.Object({ name: Type.String({ default: '' }) }) as unknown as Filled

const people = contract('demo.v1.People', { put: { input: filled, output: filled } })

export const written: WireOf<Filled> = {}
export const read: ValueOf<Filled> = { name: '' }
// @ts-expect-error A reader finds what has a default.
export const unread: ValueOf<Filled> = {}

export const sent: InputToSend<typeof people.put> = {}
export const answered: Output<typeof people.put> = {}
export const received: Input<typeof people.put>['name'] = ''
export const answer: OutputReceived<typeof people.put>['name'] = ''
// @ts-expect-error A handler finds what has a default.
export const absent: Input<typeof people.put>['name'] = undefined
// @ts-expect-error What is written has its types too.
export const misfit: InputToSend<typeof people.put> = { name: 1 }
