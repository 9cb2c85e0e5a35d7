import { describe, expect, it } from 'vitest'
import { sumBy } from './frame.ts'
import { type TimeProfile, timesOf } from './time-profile.ts'

describe('a profile of time', () => {
  it('is told by whose code ran, without idle time', () => {
    const areas = sumBy(timesOf(profile), ({ area }) => area)
    expect(Object.fromEntries(areas)).toEqual({
      'Tenon: transport-grpc': 40,
      '@grpc/grpc-js': 30,
      'node: http2': 25,
      'node: events': 3,
      'native: nghttp2, libuv, system calls': 9,
      'garbage collection': 5,
    })
  })

  it('takes a long gap between samples for one in which something else had the core', () => {
    const slow = { ...profile, samples: [6], timeDeltas: [80_000] }
    expect(timesOf(slow)).toEqual([{ name: 'encode index.js:8', area: 'Tenon: transport-grpc', cost: 2_000 }])
  })

  it('is told by function, the most first', () => {
    const names = sumBy(timesOf(profile), ({ name }) => name).map(([name]) => name)
    expect(names.slice(0, 3)).toEqual(['encode index.js:8', 'sendMessage server-call.js:1', 'respond'])
  })
})

const files = {
  own: 'file:///srv/packages/transport-grpc/dist/index.js',
  library: 'file:///srv/node_modules/@grpc/grpc-js/build/src/server-call.js',
  node: 'node:internal/http2/core',
}

/** A built-in function without a file is called by node's HTTP/2. */
const profile: TimeProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 4, 5, 9]),
    node(2, '(idle)', ''),
    node(3, '(program)', ''),
    node(4, '(garbage collector)', ''),
    node(5, 'sendMessage', files.library, [6, 7]),
    node(6, 'encode', files.own, [], 7),
    node(7, 'request', files.node, [8]),
    node(8, 'respond', ''),
    node(9, 'post', 'node:inspector', [10]),
    node(10, 'emit', 'node:events'),
  ],
  samples: [2, 3, 4, 5, 6, 6, 7, 8, 8, 9, 10],
  timeDeltas: [500, 9, 5, 30, 15, 25, 5, 10, 10, 700, 3],
}

function node(id: number, functionName: string, url: string, children: readonly number[] = [], lineNumber = 0) {
  return { id, callFrame: { functionName, url, lineNumber }, children }
}
