import { create, createFileRegistry, fromBinary, toJson } from '@bufbuild/protobuf'
import { AnySchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { writeDetails } from '../wire/status-details.ts'
import { errorDetailsFiles } from './error-details-descriptor.ts'

test('describes the details as they are written', () => {
  const violation = { field: '/userId', message: 'is required', rule: 'required' }
  const details = { violations: [violation], retryDelayMs: 1_500 }
  const error = new ServiceError('invalid_argument', 'refused', { reason: 'form', details })
  const status = writeDetails(error, { status: 3, domain: 'order', limitBytes: 5_000 })
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...errorDetailsFiles()].reverse() }))
  const shown = anysOf(status ?? Buffer.alloc(0)).map((any) => toJson(AnySchema, any, { registry }))
  expect(shown).toEqual([
    { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'form', domain: 'order' },
    {
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field: '/userId', description: 'is required', reason: 'required' }],
    },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.500s' },
  ])
})

/** Field 3 of google.rpc.Status. */
function anysOf(status: Uint8Array) {
  const reader = new BinaryReader(status)
  const anys = []
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (field === 3) anys.push(fromBinary(AnySchema, reader.bytes()))
    else reader.skip(wireType, field)
  }
  return anys
}
