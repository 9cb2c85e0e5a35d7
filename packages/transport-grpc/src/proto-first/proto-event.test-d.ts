import type { Payload, PayloadToSend } from '@tenon/core/contract'
import { EverythingSchema } from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { protoEvent } from './index.ts'

const all = protoEvent('corpus.all.v1', EverythingSchema, { key: 'stringOne' })
const textual = protoEvent('corpus.all.v1', EverythingSchema, { key: 'stringOne', int64: 'string' })

type Same<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false
const same = <One, Other>(is: Same<One, Other>) => is

/** A consumer finds all that has a default; a publisher may leave all of it out. */
export const values = [
  same<Payload<typeof all>['int64One'], bigint>(true),
  same<Payload<typeof all>['bytesOne'], Uint8Array>(true),
  same<Payload<typeof textual>['int64One'], string>(true),
  same<PayloadToSend<typeof all>['stringOne'], string | undefined>(true),
]

// @ts-expect-error -- the key is a field of the message
export const stray = protoEvent('corpus.all.v1', EverythingSchema, { key: 'lost' })
