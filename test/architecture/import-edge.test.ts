import { describe, expect, it } from 'vitest'
import { packageNames, readJson, resolveInside, sourcesOf } from './source-file.ts'

/** Which packages a package may import. A new package says here where it stands. */
const packageEdges: Readonly<Record<string, readonly string[]>> = {
  core: [],
  'transport-http': ['core'],
  'transport-grpc': ['core'],
  'transport-queue': ['core'],
  'registry-consul': ['core'],
  'registry-etcd': ['core'],
  'registry-kubernetes': ['core'],
  auth: ['core'],
  observability: ['core'],
  kysely: ['core'],
  terminus: ['core'],
  testing: ['core', 'transport-http', 'transport-grpc', 'transport-queue'],
  cli: ['core', 'transport-http', 'transport-grpc'],
}

/**
 * Which rooms of core a room may import. The lowest come first; nothing imports upwards, so there is no circle. The
 * `index.ts` of a room is a public subpath and may name what lies in any room below `service`.
 */
const roomEdges: Readonly<Record<string, readonly string[]>> = {
  typebox: [],
  error: [],
  telemetry: ['error'],
  registry: ['error'],
  schema: ['error'],
  contract: ['error', 'schema'],
  call: ['contract', 'error', 'schema', 'telemetry'],
  handler: ['call', 'contract', 'error', 'telemetry'],
  transport: ['call', 'contract', 'error', 'handler', 'telemetry'],
  client: ['call', 'contract', 'error', 'handler', 'registry', 'schema', 'telemetry'],
  service: ['call', 'client', 'contract', 'error', 'handler', 'registry', 'schema', 'telemetry', 'transport'],
}

/** Files that may be imported from few places only. */
const guarded: Readonly<Record<string, { readonly why: string; readonly by: readonly string[] }>> = {
  'call/dispatcher.ts': { why: 'only a service composes call paths', by: ['service/assemble.ts'] },
  'handler/handler-definition.ts': {
    why: 'only a service constructs handlers',
    by: [
      'handler/define-handler.ts',
      'handler/handler-class.ts',
      'service/assemble.ts',
      'service/plan-service.ts',
      'service/start-up.ts',
      'index.ts',
    ],
  },
  'handler/container.ts': { why: 'only a service creates providers', by: ['service/start-up.ts'] },
}

/** All that other rooms than `service` may use of `handler`: the ports speak of providers and tokens, of nothing else. */
const openOfHandler = ['handler/provider.ts']

const core = sourcesOf('core')
const roomOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
const isSubpath = (path: string) => path.endsWith('index.ts')

describe('packages', () => {
  it.each(packageNames())('%s imports only what its place allows, by public subpaths', (name) => {
    const allowed = packageEdges[name]
    if (allowed === undefined) throw new Error(`${name} is in no line of packageEdges`)
    const strays = sourcesOf(name).flatMap((file) =>
      file.imports
        .filter(({ specifier }) => specifier.startsWith('@tenon/'))
        .filter(({ specifier }) => {
          const [, of = '', ...subpath] = specifier.split('/')
          return !allowed.includes(of) || !exportsOf(of).includes(['.', ...subpath].join('/'))
        })
        .map(({ specifier }) => `${file.path} imports ${specifier}`),
    )
    expect(strays).toEqual([])
  })

  it('have all their lines in the table', () => {
    expect(Object.keys(packageEdges).toSorted()).toEqual(packageNames())
  })
})

describe('core', () => {
  it('has all its rooms in the table', () => {
    const rooms = new Set(core.map(({ path }) => roomOf(path)).filter((room) => room !== ''))
    expect([...rooms].toSorted()).toEqual(Object.keys(roomEdges).toSorted())
  })

  it('has a table without circles', () => {
    const order = Object.keys(roomEdges)
    for (const [room, allowed] of Object.entries(roomEdges))
      for (const other of allowed) expect(order.indexOf(other), `${room} → ${other}`).toBeLessThan(order.indexOf(room))
  })

  it('imports from one room to another only along the table, types included', () => {
    expect(
      edgesOfCore()
        .filter(({ from, to }) => roomOf(from) !== roomOf(to) && !isSubpath(from))
        .filter(({ from, to }) => roomEdges[roomOf(from)]?.includes(roomOf(to)) !== true)
        .map(({ from, to }) => `${from} imports ${to}`),
    ).toEqual([])
  })

  it('needs every line of its table', () => {
    const used = new Set(
      edgesOfCore()
        .filter(({ from }) => !isSubpath(from))
        .map(({ from, to }) => `${roomOf(from)} → ${roomOf(to)}`),
    )
    const unused = Object.entries(roomEdges).flatMap(([room, allowed]) =>
      allowed.map((other) => `${room} → ${other}`).filter((edge) => !used.has(edge)),
    )
    expect(unused).toEqual([])
  })

  it('imports the files of a room, never its subpath', () => {
    expect(edgesOfCore().filter(({ to }) => isSubpath(to))).toEqual([])
  })

  it.each(Object.entries(guarded))('imports %s from few places only', (path, { by }) => {
    const importers = edgesOfCore().filter(({ to }) => to === path)
    expect(importers.map(({ from }) => from).toSorted()).toEqual([...by].toSorted())
  })

  it('shows ports nothing of handlers but providers and tokens', () => {
    expect(
      edgesOfCore()
        .filter(({ from }) => !['handler', 'service', ''].includes(roomOf(from)))
        .filter(({ to }) => roomOf(to) === 'handler' && !openOfHandler.includes(to)),
    ).toEqual([])
  })
})

function edgesOfCore(): readonly { readonly from: string; readonly to: string }[] {
  return core.flatMap((file) =>
    file.imports.flatMap((one) => {
      const to = resolveInside(file, one)
      return to === undefined ? [] : [{ from: file.path, to }]
    }),
  )
}

function exportsOf(name: string): readonly string[] {
  return Object.keys((readJson('packages', name, 'package.json') as { exports: object }).exports)
}
