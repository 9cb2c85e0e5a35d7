export { protobufFormat } from './protobuf-format.ts'
