import { describe, expect, it } from 'vitest'
import { packageNames, readJson, sourcesOf } from './source-file.ts'

type Target = Readonly<Record<'@tenon/source' | 'types' | 'default', string>>

interface Manifest {
  readonly exports: Readonly<Record<string, Target | string>>
  readonly type: string
  readonly sideEffects?: boolean
}

describe.each(packageNames())('the export map of %s', (name) => {
  const { exports: map, type } = readJson('packages', name, 'package.json') as Manifest
  const subpaths = Object.entries(map).flatMap(([subpath, target]) =>
    typeof target === 'string' ? [] : [{ subpath, target }],
  )

  it('names for every subpath a source that is there, and what is compiled from it', () => {
    const paths = new Set(sourcesOf(name).map(({ path }) => path))
    for (const { subpath, target } of subpaths) {
      const source = target['@tenon/source'].replace(/^\.\/src\//, '')
      expect(paths, subpath).toContain(source)
      const stem = source.replace(/\.ts$/, '')
      expect(target.types, subpath).toBe(`./dist/${stem}.d.ts`)
      expect(target.default, subpath).toBe(`./dist/${stem}.js`)
    }
  })

  it('puts the condition for sources first, where resolvers look first', () => {
    for (const { target } of subpaths) expect(Object.keys(target)).toEqual(['@tenon/source', 'types', 'default'])
  })

  it('is that of an ES module that shows its manifest', () => {
    expect(type).toBe('module')
    expect(map['./package.json']).toBe('./package.json')
    expect(map).toHaveProperty(['.'])
  })
})

it('core has a subpath for every room with an index, and no other', () => {
  const { exports: map } = readJson('packages', 'core', 'package.json') as Manifest
  const rooms = sourcesOf('core').flatMap(({ path }) => /^(\w+)\/index\.ts$/.exec(path)?.[1] ?? [])
  expect(Object.keys(map).toSorted()).toEqual(['.', './package.json', ...rooms.map((room) => `./${room}`)].toSorted())
})
