import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'
import type { Shape } from './message-shape.ts'

/** The shape as a message of protobuf. */
export function describe(shape: Shape): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: 'caller.proto',
    syntax: 'proto3',
    messageType: [toMessage('Root', shape, '')],
  })
  const message = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage('Root')
  if (message === undefined) throw new TypeError('a file has the message that it was given')
  return message
}

const scalars = {
  text: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  bool: FieldDescriptorProto_Type.BOOL,
  int64: FieldDescriptorProto_Type.INT64,
  double: FieldDescriptorProto_Type.DOUBLE,
  // On the wire an enum is a number, and a caller may have one that the service has not.
  enum: FieldDescriptorProto_Type.INT32,
} as const

const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label

/** Fields are called f1, f2 and so on: names are no part of the wire. */
function toMessage(name: string, { fields = [] }: Shape, scope: string): DescriptorProto {
  const own = `${scope}.${name}`
  const nested = fields.flatMap((field, index) => nestedOf(field, `M${index + 1}`, own))
  const single = fields
    .map(({ form }, index) => ({ form, index }))
    .filter(({ form }) => form !== 'list' && form !== 'record')
  const present = single.filter(({ form }) => form !== 'message').map(({ index }) => index)
  const field = fields.map((one, index) => {
    const label = one.form === 'list' || one.form === 'record' ? REPEATED : OPTIONAL
    const oneof = present.indexOf(index)
    const presence = oneof < 0 ? {} : { proto3Optional: true, oneofIndex: oneof }
    return { ...fieldOf(index + 1, one.form === 'list' ? (one.item ?? one) : one, own), label, ...presence }
  })
  return create(DescriptorProtoSchema, {
    name,
    field,
    nestedType: [...nested],
    oneofDecl: present.map((index) => ({ name: `_f${index + 1}` })),
  })
}

function fieldOf(number: number, { form }: Shape, scope: string) {
  const type =
    form === 'message' || form === 'record' || form === 'list'
      ? { type: FieldDescriptorProto_Type.MESSAGE, typeName: `${scope}.M${number}` }
      : { type: scalars[form] }
  return { name: `f${number}`, jsonName: `f${number}`, number, label: OPTIONAL, ...type }
}

/** The messages that a field needs to be declared inside of its own. */
function nestedOf(shape: Shape, name: string, scope: string): readonly DescriptorProto[] {
  if (shape.form === 'list' && shape.item) return nestedOf(shape.item, name, scope)
  if (shape.form === 'message') return [toMessage(name, shape, scope)]
  if (shape.form !== 'record' || !shape.item) return []
  const value = { ...fieldOf(2, shape.item, `${scope}.${name}`), name: 'value', jsonName: 'value' }
  const key = { ...fieldOf(1, { form: 'text' }, scope), name: 'key', jsonName: 'key' }
  const nestedType = [...nestedOf(shape.item, 'M2', `${scope}.${name}`)]
  return [create(DescriptorProtoSchema, { name, options: { mapEntry: true }, field: [key, value], nestedType })]
}
