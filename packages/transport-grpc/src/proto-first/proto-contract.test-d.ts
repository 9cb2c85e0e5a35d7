import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { Input, InputToSend, IsStreaming, Output } from '@tenon/core/contract'
import { CorpusService } from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { KnownService, RefusedService } from '../../fixture/gen/corpus/v1/known_pb.js'
import { protoContract } from './index.ts'

const corpus = protoContract(CorpusService, {
  operations: { getItem: { errors: ['not_found'], timeoutMs: 1_000, access: 'public' }, echo: { http: false } },
})
const textual = protoContract(CorpusService, { int64: 'string' })

type Same<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false
const same = <One, Other>(is: Same<One, Other>) => is

type Received = Input<typeof corpus.echo>
type Sent = InputToSend<typeof corpus.echo>
type Shade = 'SHADE_UNSPECIFIED' | 'SHADE_DARK' | 'SHADE_BLACK' | 'SHADE_LIGHT' | 'SHADE_BELOW' | number
interface Money {
  currency: string
  units: bigint
  nanos: number
}
type Moment = string

/** What a handler receives: all that has a default is there. */
export const received = [
  same<Received['stringOne'], string>(true),
  same<Received['int64One'], bigint>(true),
  same<Received['fixed64One'], bigint>(true),
  same<Received['textLong'], string>(true),
  same<Received['bytesOne'], Uint8Array>(true),
  same<Received['doubleOne'], number | 'NaN' | 'Infinity' | '-Infinity'>(true),
  same<Received['shade'], Shade>(true),
  same<Received['stringMaybe'], string | undefined>(true),
  same<Received['int64Maybe'], bigint | undefined>(true),
  same<Received['uint64List'], bigint[]>(true),
  same<Received['textLongList'], string[]>(true),
  same<Received['bytesList'], Uint8Array[]>(true),
  same<Received['shadeList'], Shade[]>(true),
  same<Received['byInt32'], { [key: number]: bigint }>(true),
  same<Received['byUint64'][string], { currency: string; units: bigint; nanos: number }>(true),
  same<Received['byBool'][string], Moment>(true),
  same<Received['bySfixed64'][string], bigint>(true),
  same<Received['choiceText'], string | undefined>(true),
  same<Received['choiceLong'], bigint | undefined>(true),
  same<Received['choiceBytes'], Uint8Array | undefined>(true),
  same<Received['choiceWrapped'], bigint | undefined>(true),
  same<Received['choiceNull'], null | undefined>(true),
  same<Received['int64Wrapped'], bigint | undefined>(true),
  same<Received['bytesWrapped'], Uint8Array | undefined>(true),
  same<Received['wrappedList'], bigint[]>(true),
  same<Received['at'], string | undefined>(true),
  same<Received['mask'], string | undefined>(true),
] as const

/** What a caller gives: everything may be left out. */
export const least: Sent = {}
export const some: Sent = {
  int64One: 1n,
  choiceMoney: { units: 2n },
  selves: [{ shade: 'SHADE_DARK' }],
  struct: { a: [1] },
}
// @ts-expect-error a 64-bit integer is a bigint
export const notText: Sent = { int64One: '1' }
// @ts-expect-error an enum has no such value
export const noSuchShade: Sent = { shade: 'SHADE_LOST' }
// @ts-expect-error bytes are no text
export const noBytes: Sent = { choiceBytes: 'AQID' }
// @ts-expect-error a message has no such field
export const noField: Sent = { lost: 1 }
// @ts-expect-error what is deep inside has its types too
export const deep: Sent = { self: { self: { int32One: 'x' } } }

export const money: NonNullable<Received['choiceMoney']> = { currency: '', units: 0n, nanos: 0 } satisfies Money
export const nested: Received['self'] = undefined as Received | undefined

/** With the option, 64 bits are text everywhere. */
export const long = [
  same<Input<typeof textual.echo>['int64One'], string>(true),
  same<Input<typeof textual.echo>['int64Wrapped'], string | undefined>(true),
  same<Input<typeof textual.echo>['bySfixed64'][string], string>(true),
] as const

export const kinds = [
  same<IsStreaming<typeof corpus.watchItems>, true>(true),
  same<IsStreaming<typeof corpus.addItems>, false>(true),
  same<
    Input<typeof corpus.addItems> extends AsyncIterable<infer Item>
      ? Item extends { itemId: string }
        ? true
        : false
      : false,
    true
  >(true),
  same<Output<typeof corpus.addItems>['count'], number | undefined>(true),
] as const

export const errors: readonly ['not_found'] = corpus.getItem.spec.errors

protoContract(CorpusService, {
  // @ts-expect-error the service has no such method
  operations: { lost: { timeoutMs: 1 } },
})

const known = protoContract(KnownService)
const knownTextual = protoContract(KnownService, { int64: 'string' })

/** What is itself a well-known type is its JSON value. */
export const whole = [
  same<Output<typeof known.getText>, string>(true),
  same<Output<typeof known.getLong>, bigint>(true),
  same<Output<typeof knownTextual.getLong>, string>(true),
  same<Output<typeof known.getDouble>, number | 'NaN' | 'Infinity' | '-Infinity'>(true),
  same<Output<typeof known.getFlag>, boolean>(true),
  same<Output<typeof known.getData>, Uint8Array>(true),
  same<Output<typeof known.getTime>, string>(true),
  same<Output<typeof known.getLength>, string>(true),
  same<Output<typeof known.getMask>, string>(true),
  same<Output<typeof known.getValue>, JsonValue>(true),
  same<Output<typeof known.getList>, JsonValue[]>(true),
  same<Output<typeof known.echoStruct>, JsonObject>(true),
  same<Input<typeof known.echoStruct>, JsonObject>(true),
  same<Output<typeof known.watchTexts>, string>(true),
  same<Output<typeof known.watchLongs>, bigint>(true),
] as const

// @ts-expect-error an input is one object, which a StringValue and a Timestamp are not
protoContract(RefusedService)
