import { describe, expect, it } from 'vitest'
import { packageNames, readImports, resolveInside, sourcesOf } from './source-file.ts'

describe('readImports', () => {
  it('reads every form of import and tells types from values', () => {
    const text = `
      import './side-effect.ts'
      import a from 'a' // import x from 'comment'
      import * as b from "b"
      import type { C } from 'c'
      import {
        type D,
        type E,
      } from 'd'
      import { type F, g } from 'f'
      /* import h from 'comment' */
      export { i, type J } from 'i'
      export type { K } from 'k'
      export * from 'l'
      const m = await import('m')
      const text = 'from nowhere'
    `
    const types = new Map(readImports(text).map(({ specifier, isTypeOnly }) => [specifier, isTypeOnly]))
    expect(types).toEqual(
      new Map([
        ['a', false],
        ['b', false],
        ['c', true],
        ['d', true],
        ['f', false],
        ['i', false],
        ['k', true],
        ['l', false],
        ['./side-effect.ts', false],
        ['m', false],
      ]),
    )
  })
})

describe('sourcesOf', () => {
  it('finds every relative import of every package again, so that no edge is missed', () => {
    for (const name of packageNames()) {
      const files = sourcesOf(name)
      const paths = new Set(files.map(({ path }) => path))
      expect(paths.size).toBeGreaterThan(0)
      for (const file of files) {
        for (const one of file.imports.filter(({ specifier }) => specifier.startsWith('.')))
          expect(paths, `${name}/src/${file.path} imports ${one.specifier}`).toContain(resolveInside(file, one))
      }
    }
  })
})
