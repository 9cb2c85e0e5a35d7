import Type from 'typebox'
import { bytes } from '../schema/native/bytes.ts'
import { contract } from './contract.ts'
import { int64 } from '../schema/native/int64.ts'
import type { Input, InputToSend, Output } from './operation.ts'
import { secret } from '../schema/secret.ts'

const files = contract('demo.v1.Files', {
  put: {
    input: Type.Object({
      fileId: int64(),
      data: bytes({ mediaType: 'image/png' }),
      version: Type.Optional(int64()),
      parts: Type.Array(Type.Union([bytes(), Type.Null()])),
      password: secret(Type.String()),
    }),
    output: bytes(),
    http: 'PUT /files/:fileId',
    grpc: false,
  },
})

type Received = Input<typeof files.put>

export const received: Received = {
  fileId: 1n,
  data: new Uint8Array(),
  parts: [null, Buffer.from('a')],
  password: 'x',
}
export const sent: InputToSend<typeof files.put> = { ...received, version: 2n }
export const output: Output<typeof files.put> = received.data

// @ts-expect-error A number is no int64: it would have been rounded.
export const numbered: Received = { ...received, fileId: 1 }
// @ts-expect-error Base64 is what JSON has, not what a handler gets.
export const encoded: Received = { ...received, data: 'AQ==' }
// @ts-expect-error A secret keeps the type of its schema.
export const plain: Received = { ...received, password: 1 }
