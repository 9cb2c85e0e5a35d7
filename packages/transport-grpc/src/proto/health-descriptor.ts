import { create } from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'

/**
 * What reflection tells of the health service.
 *
 * @see grpc/health/v1/health.proto
 */
export function healthDescriptor(): FileDescriptorProto {
  const label = FieldDescriptorProto_Label.OPTIONAL
  const status = '.grpc.health.v1.HealthCheckResponse.ServingStatus'
  const messages = {
    inputType: '.grpc.health.v1.HealthCheckRequest',
    outputType: '.grpc.health.v1.HealthCheckResponse',
  }
  return create(FileDescriptorProtoSchema, {
    name: 'grpc/health/v1/health.proto',
    package: 'grpc.health.v1',
    syntax: 'proto3',
    messageType: [
      {
        name: 'HealthCheckRequest',
        field: [{ name: 'service', jsonName: 'service', number: 1, label, type: FieldDescriptorProto_Type.STRING }],
      },
      {
        name: 'HealthCheckResponse',
        field: [
          {
            name: 'status',
            jsonName: 'status',
            number: 1,
            label,
            type: FieldDescriptorProto_Type.ENUM,
            typeName: status,
          },
        ],
        enumType: [
          {
            name: 'ServingStatus',
            value: ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'].map((name, number) => ({ name, number })),
          },
        ],
      },
      { name: 'HealthListRequest' },
      {
        name: 'HealthListResponse',
        field: [
          {
            name: 'statuses',
            jsonName: 'statuses',
            number: 1,
            label: FieldDescriptorProto_Label.REPEATED,
            type: FieldDescriptorProto_Type.MESSAGE,
            typeName: '.grpc.health.v1.HealthListResponse.StatusesEntry',
          },
        ],
        nestedType: [statusesEntry()],
      },
    ],
    service: [
      {
        name: 'Health',
        method: [
          { name: 'Check', ...messages },
          {
            name: 'List',
            inputType: '.grpc.health.v1.HealthListRequest',
            outputType: '.grpc.health.v1.HealthListResponse',
          },
          { name: 'Watch', ...messages, serverStreaming: true },
        ],
      },
    ],
  })
}

/** An entry of a map is a message with a key and a value. @see protobuf, maps: backwards compatibility */
function statusesEntry() {
  const label = FieldDescriptorProto_Label.OPTIONAL
  return {
    name: 'StatusesEntry',
    field: [
      { name: 'key', jsonName: 'key', number: 1, label, type: FieldDescriptorProto_Type.STRING },
      {
        name: 'value',
        jsonName: 'value',
        number: 2,
        label,
        type: FieldDescriptorProto_Type.MESSAGE,
        typeName: '.grpc.health.v1.HealthCheckResponse',
      },
    ],
    options: { mapEntry: true },
  }
}
