import { expect, it } from 'vitest'
import { allocationsOf } from './allocation-profile.ts'
import { sumBy } from './frame.ts'

it('counts what built-in functions allocate as their caller’s, and the profiler’s own not at all', () => {
  const bytes = allocationsOf({
    head: node('(root)', '', 1, [
      node('begin', 'file:///srv/packages/core/dist/index.js', 10, [
        node('Map', '', 5),
        node('Readable.on', 'node:internal/streams/readable', 7),
      ]),
      node('post', 'node:inspector', 90, [node('dispatch', '', 40)]),
    ]),
  })
  expect(sumBy(bytes, ({ area }) => area)).toEqual([
    ['Tenon: core', 15],
    ['node: streams', 7],
    ['built in', 1],
  ])
})

type Node = Parameters<typeof allocationsOf>[0]['head']

function node(functionName: string, url: string, selfSize: number, children: readonly Node[] = []): Node {
  return { callFrame: { functionName, url, lineNumber: 0 }, selfSize, children }
}
