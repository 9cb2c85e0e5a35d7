import { describe, expect, it } from 'vitest'
import { resolveInside, type SourceFile, sourcesOf } from './source-file.ts'

/** Where handlers are constructed and called. What cannot reach these files, even by their types, cannot reach a handler. */
const handlerFiles = [
  'call/dispatcher.ts',
  'call/rule/interceptor.ts',
  'handler/container.ts',
  'handler/define-handler.ts',
  'handler/handler-class.ts',
  'handler/handler-definition.ts',
  'handler/handler-metadata.ts',
  'service/assemble.ts',
  'service/running-service.ts',
]

/** The subpaths that transports, registries and clients are written against. */
const portSubpaths = [
  'contract/index.ts',
  'transport/index.ts',
  'client/index.ts',
  'registry/index.ts',
  'telemetry/index.ts',
]

const core = new Map(sourcesOf('core').map((file) => [file.path, file]))

/** Every file that a file leads to, types included. */
function closureOf(path: string, seen: Set<string> = new Set()): ReadonlySet<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  const file = core.get(path)
  if (file === undefined) throw new Error(`there is no ${path}`)
  for (const next of importsInside(file)) closureOf(next, seen)
  return seen
}

function importsInside(file: SourceFile): readonly string[] {
  return file.imports.flatMap((one) => resolveInside(file, one) ?? [])
}

describe('the way to a handler', () => {
  it.each(portSubpaths)('is not open from %s, neither by a value nor by a type', (subpath) => {
    const reached = [...closureOf(subpath)].filter((path) => handlerFiles.includes(path))
    expect(reached).toEqual([])
  })

  it('leads from a transport through an endpoint alone: an operation and dispatch()', () => {
    expect([...closureOf('transport/endpoint.ts')].filter((path) => path.startsWith('handler/'))).toEqual([])
  })

  it('is not open from the root either: nobody can construct a definition, or compose a call path', async () => {
    const root = await import('@tenon/core')
    const forbidden = ['composeDispatch', 'constructHandler', 'toHandlerDefinition', 'Container', 'RunningService']
    for (const name of forbidden) expect(Object.keys(root)).not.toContain(name)
    const { default: Type } = await import('typebox')
    const Empty = Type.Object({})
    const things = root.contract('a.A', { act: { input: Empty, output: Empty } })
    const definition = root.defineHandler(things, () => ({ act: () => ({}) }))
    const functions = Object.entries(definition).filter(([, value]) => typeof value === 'function')
    expect(functions).toEqual([])
  })

  it('is the only thing these files are for: each still exists', () => {
    for (const path of [...handlerFiles, ...portSubpaths]) expect(core.has(path), path).toBe(true)
  })
})
