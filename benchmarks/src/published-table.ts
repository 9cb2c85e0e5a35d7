import { largeCall, smallCall, streamCall } from './load/grpc-call.ts'
import { getById, validatedPost } from './load/http-request.ts'
import type { Column, Table } from './peer-table.ts'

/** The parts whose tables stand in the README. */
export const publishedTables = {
  'http-peers': {
    columns: [
      ...loadColumns('GET', getById.name),
      ...loadColumns('POST', validatedPost.name),
      ...processColumns(validatedPost.name, 20_000),
    ],
  },
  'grpc-peers': {
    notes: {
      Tenon: 'every request, against its schema',
      'node:http2, canned': 'nothing; reads no message and makes none',
      'grpc-js + direct codec': 'nothing',
      'grpc-js + proto-loader': 'nothing',
      'connect-node': 'nothing',
      'NestJS 12 gRPC': 'the 10 KB call, by ValidationPipe',
    },
    columns: [
      ...loadColumns('small', smallCall.name),
      ...loadColumns('10 KB', largeCall.name),
      ...loadColumns('stream', streamCall.name),
      ...processColumns(smallCall.name, 8_000),
    ],
  },
  queue: {
    columns: [
      ...messageColumns('consume'),
      ...messageColumns('produce'),
      ...messageColumns('both', 'publish and consume'),
      { header: 'p50 ms', title: 'end to end at 5000/s', unit: 'ms p50' },
      { header: 'p99 ms', title: 'end to end at 5000/s', unit: 'ms p99' },
      { header: 'idle % CPU', title: 'idle', unit: '% CPU' },
    ],
  },
} as const satisfies Readonly<Record<string, Table>>

export type PublishedPart = keyof typeof publishedTables

function loadColumns(header: string, title: string): readonly Column[] {
  return [
    { header: `${header} µs CPU`, title, unit: 'µs CPU/request' },
    { header: `${header}/s`, title, unit: 'requests/s' },
  ]
}

function messageColumns(header: string, title = header): readonly Column[] {
  return [
    { header: `${header} µs CPU`, title, unit: 'µs CPU/message' },
    { header: `${header}/s`, title, unit: 'messages/s' },
  ]
}

function processColumns(title: string, requestCount: number): readonly Column[] {
  return [
    { header: 'p50 ms', title: `${title} at 1000/s`, unit: 'ms p50' },
    { header: 'p99 ms', title: `${title} at 1000/s`, unit: 'ms p99' },
    { header: 'start ms', title: 'start-up', unit: 'ms' },
    { header: 'MB RSS', title: `memory after ${requestCount} requests`, unit: 'MB RSS' },
  ]
}
