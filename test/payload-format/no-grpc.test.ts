import { expect, test } from 'vitest'
import { resolveInside, sourcesOf } from '../architecture/source-file.ts'

test('a service that only has queues loads protobuf, and nothing of gRPC', () => {
  const files = new Map(sourcesOf('transport-grpc').map((file) => [file.path, file]))
  const reached = new Set(['format/index.ts'])
  const packages = new Set<string>()
  // A set is walked with what is added to it meanwhile.
  for (const path of reached) {
    const file = files.get(path)
    if (file === undefined) throw new Error(`${path} is no file`)
    for (const one of file.imports.filter(({ isTypeOnly }) => !isTypeOnly)) {
      const inside = resolveInside(file, one)
      if (inside === undefined) packages.add(one.specifier)
      else reached.add(inside)
    }
  }
  const own = [...packages].filter((name) => !name.startsWith('node:') && !name.startsWith('@tenon/core/'))
  expect(own.toSorted()).toEqual(['@bufbuild/protobuf/wire'])
})
