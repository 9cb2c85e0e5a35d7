import { once } from 'node:events'
import { eventually } from '@tenon/testing'
import { type TcpLink, tcpLink } from '@tenon/testing/registry'
import { describe, expect, onTestFinished, test } from 'vitest'
import { certificate } from '../../transport-http/src/client/tls.test-harness.ts'
import { bookmark, openOn, page, type Script, ScriptedApi, slice, Watching } from './scripted-api.test-harness.ts'

const hosts = (snapshot: Watching['newest']) => snapshot.flatMap(({ endpoints }) => endpoints.map(({ host }) => host))

describe('a list', () => {
  test('is asked for by the label of the Service, in the own namespace, and read page by page', async () => {
    await using api = await ScriptedApi.open()
    api.scripts.list.push(
      ({ answer }) => answer(200, page([slice('a', { addresses: ['10.0.0.1'] })], { version: '7', next: 'more' })),
      ({ answer }) => answer(200, page([slice('b', { addresses: ['10.0.0.2'] })], { version: '7' })),
    )
    await using watching = new Watching(openOn(api))
    await watching.sees('10.0.0.1', '10.0.0.2')
    expect(watching.snapshots).toHaveLength(1)
    const [first, second] = api.lists
    expect(first?.path).toBe('/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices')
    expect(first?.parameters).toEqual({ labelSelector: 'kubernetes.io/service-name=user', limit: '100' })
    expect(first?.token).toBe('token')
    expect(second?.parameters['continue']).toBe('more')
    const { parameters } = await api.watchAt(0)
    const { timeoutSeconds, ...others } = parameters
    expect(others).toEqual({
      labelSelector: 'kubernetes.io/service-name=user',
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: '7',
    })
    expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(240)
    expect(Number(timeoutSeconds)).toBeLessThanOrEqual(480)
  })

  test('is that of another namespace where the name has one', async () => {
    await using api = await ScriptedApi.open()
    await using watching = new Watching(openOn(api, { namespace: 'elsewhere' }), 'user.stock')
    await watching.sees()
    expect(api.lists[0]?.path).toBe('/apis/discovery.k8s.io/v1/namespaces/stock/endpointslices')
  })

  test('is that of the namespace of the options where the name has none', async () => {
    await using api = await ScriptedApi.open()
    await using watching = new Watching(openOn(api, { namespace: 'elsewhere' }))
    await watching.sees()
    expect(api.lists[0]?.path).toBe('/apis/discovery.k8s.io/v1/namespaces/elsewhere/endpointslices')
  })

  test('begins anew when its next page is gone', async () => {
    await using api = await ScriptedApi.open()
    api.items = [slice('b', { addresses: ['10.0.0.2'] })]
    api.scripts.list.push(
      ({ answer }) => answer(200, page([slice('a', { addresses: ['10.0.0.1'] })], { next: 'more' })),
      ({ answer }) => answer(410, { code: 410, message: 'The provided continue parameter is too old' }),
    )
    await using watching = new Watching(openOn(api))
    await watching.sees('10.0.0.2')
    expect(api.lists[2]?.parameters['continue']).toBeUndefined()
  })

  test.each(['', 'nothing that is JSON', '[]', '{"items":{}}', '{"items":[{}],"metadata":{"resourceVersion":"1"}}'])(
    'that is none is told and asked for again: %j',
    async (text) => {
      await using api = await ScriptedApi.open()
      api.items = [slice('a', { addresses: ['10.0.0.1'] })]
      api.scripts.list.push(({ answer }) => answer(200, text))
      await using watching = new Watching(openOn(api))
      await watching.sees('10.0.0.1')
      await watching.isTold(/^Kubernetes at https:.* asked for the EndpointSlices of Service user: /)
    },
  )
})

describe('a watch', () => {
  test('follows what is added, changed and deleted, from the version of the list on', async () => {
    await using api = await ScriptedApi.open()
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    await using watching = new Watching(openOn(api))
    const watch = await api.watchAt(0)
    watch.send({ type: 'ADDED', object: slice('b', { version: '2', addresses: ['10.0.0.2'] }) })
    await watching.sees('10.0.0.1', '10.0.0.2')
    watch.send({ type: 'MODIFIED', object: slice('a', { version: '3', addresses: ['10.0.0.3'] }) })
    await watching.sees('10.0.0.2', '10.0.0.3')
    watch.send({ type: 'DELETED', object: slice('b', { version: '4', addresses: ['10.0.0.2'] }) })
    await watching.sees('10.0.0.3')
    expect(api.lists).toHaveLength(1)
    expect(watching.troubles).toEqual([])
  })

  test('goes on from the last version, bookmarks included, when the server ends it, and asks for no list', async () => {
    await using api = await ScriptedApi.open()
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    await using watching = new Watching(openOn(api))
    const first = await api.watchAt(0)
    first.send({ type: 'ADDED', object: slice('b', { version: '5', addresses: ['10.0.0.2'] }) }, bookmark('9'))
    first.reply.end()
    const second = await api.watchAt(1)
    expect(second.parameters['resourceVersion']).toBe('9')
    second.send({ type: 'ADDED', object: slice('c', { version: '12', addresses: ['10.0.0.3'] }) })
    second.reply.end()
    expect((await api.watchAt(2)).parameters['resourceVersion']).toBe('12')
    await watching.sees('10.0.0.1', '10.0.0.2', '10.0.0.3')
    expect(api.lists).toHaveLength(1)
    expect(watching.troubles).toEqual([])
  })

  test('gives no list for what changes no instance, and keeps the instances that stay', async () => {
    await using api = await ScriptedApi.open()
    api.items = [slice('a', { addresses: ['10.0.0.1'] }), slice('b', { addresses: ['10.0.0.2'] })]
    await using watching = new Watching(openOn(api))
    const watch = await api.watchAt(0)
    const [before] = watching.newest
    watch.send(bookmark('2'), { type: 'MODIFIED', object: slice('a', { version: '3', addresses: ['10.0.0.1'] }) })
    watch.send({ type: 'MODIFIED', object: slice('b', { version: '4', addresses: ['10.0.0.1', '10.0.0.4'] }) })
    await watching.sees('10.0.0.1', '10.0.0.4')
    expect(watching.snapshots).toHaveLength(2)
    watch.send({ type: 'MODIFIED', object: slice('b', { version: '5', addresses: ['10.0.0.5'] }) })
    await watching.sees('10.0.0.1', '10.0.0.5')
    watch.send({ type: 'ADDED', object: slice('c', { version: '6', addresses: ['10.0.0.6'] }) })
    await watching.sees('10.0.0.1', '10.0.0.5', '10.0.0.6')
    expect(watching.snapshots.at(-1)?.[0]).toBe(watching.snapshots.at(-2)?.[0])
    expect(watching.snapshots.at(-1)?.[0]).toEqual(before)
  })

  test.each([
    [
      'a reply',
      ({ answer }: { answer(status: number, body: unknown): void }) =>
        answer(410, { message: 'too old resource version' }),
    ],
    [
      'an event',
      ({ send }: { send(...events: unknown[]): void }) =>
        send({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old resource version' } }),
    ],
  ])('whose version is gone, by %s, lists again, and tells nothing', async (_how, gone) => {
    await using api = await ScriptedApi.open()
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    api.scripts.watch.push(
      ({ send, reply }) => {
        send(bookmark('2'))
        reply.end()
      },
      (asked) => {
        api.items = [slice('b', { addresses: ['10.0.0.2'] })]
        gone(asked)
      },
    )
    await using watching = new Watching(openOn(api))
    await watching.sees('10.0.0.2')
    expect(api.lists).toHaveLength(2)
    expect(watching.troubles).toEqual([])
  })

  test('whose version is gone as soon as it was listed is told', async () => {
    await using api = await ScriptedApi.open()
    api.scripts.watch.push(({ answer }) => answer(410, { message: 'too old resource version' }))
    await using watching = new Watching(openOn(api))
    await watching.isTold(/410 too old resource version/)
    await api.watchAt(1)
  })

  test.each([
    ['what is no JSON', '{"type":"ADDED","object":'],
    ['an event of no known type', '{"type":"RENAMED","object":{"metadata":{"name":"a","resourceVersion":"2"}}}'],
    ['an object without a name', '{"type":"ADDED","object":{"metadata":{"resourceVersion":"2"}}}'],
    ['an object without a version', '{"type":"ADDED","object":{"metadata":{"name":"a"}}}'],
    ['text', 'null'],
    ['an error without a code', '{"type":"ERROR","object":{"message":"?"}}'],
    ['an error that is not 410', '{"type":"ERROR","object":{"code":500,"message":"etcd is away"}}'],
  ])('that gets %s is told and lists again, and the last list stays', async (_what, line) => {
    await using api = await ScriptedApi.open()
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    await using watching = new Watching(openOn(api))
    const watch = await api.watchAt(0)
    await watching.sees('10.0.0.1')
    const closed = once(watch.reply, 'close')
    watch.send(line)
    await watching.isTold(/^Kubernetes at https:/)
    await closed
    await api.watchAt(1)
    expect(api.lists).toHaveLength(2)
    await watching.sees('10.0.0.1')
  })

  test.each(['h2', 'https'] as const)('that breaks off in the middle lists again (%s)', async (kind) => {
    await using api = await ScriptedApi.open(kind)
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    await using watching = new Watching(openOn(api))
    const watch = await api.watchAt(0)
    await watching.sees('10.0.0.1')
    api.items = [slice('a', { version: '8', addresses: ['10.0.0.8'] })]
    watch.reply.write('{"type":"MODIFIED",')
    watch.reply.stream?.destroy?.()
    watch.reply.socket.destroy()
    await watching.sees('10.0.0.8')
    expect(watching.troubles.length).toBeGreaterThan(0)
  })

  test('that ends in the middle of a line lists again', async () => {
    await using api = await ScriptedApi.open()
    await using watching = new Watching(openOn(api))
    const watch = await api.watchAt(0)
    watch.reply.end('{"type":"MODIFIED"')
    await watching.isTold(/a line without an end/)
    await api.watchAt(1)
    expect(api.lists).toHaveLength(2)
  })

  test('leaves out a slice that cannot be read, and tells of it once', async () => {
    await using api = await ScriptedApi.open()
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    await using watching = new Watching(openOn(api))
    const watch = await api.watchAt(0)
    const foreign = (version: string) => ({
      type: 'MODIFIED',
      object: slice('names', { version, addressType: 'FQDN', addresses: ['user.example.com'] }),
    })
    watch.send(foreign('2'), foreign('3'), {
      type: 'ADDED',
      object: slice('b', { version: '4', addresses: ['10.0.0.2'] }),
    })
    await watching.sees('10.0.0.1', '10.0.0.2')
    expect(watching.troubles).toEqual([
      'EndpointSlice names of user has addresses of type "FQDN", which are not supported',
    ])
  })

  test('shares one connection with others over HTTP/2', async () => {
    await using api = await ScriptedApi.open()
    await using link = await tcpLink(api.port)
    await bothAreOpen(api, link)
    expect(api.watches[0]?.httpVersion).toBe('2.0')
    expect(link.connectionCount()).toBe(1)
  })

  test('has a connection of its own over HTTP/1.1', async () => {
    await using api = await ScriptedApi.open('https')
    await using link = await tcpLink(api.port)
    await bothAreOpen(api, link)
    expect(api.watches[0]?.httpVersion).toBe('1.1')
  })

  async function bothAreOpen(api: ScriptedApi, link: TcpLink): Promise<void> {
    const registry = openOn(api, { address: link.address })
    const one = new Watching(registry)
    await one.sees()
    await api.watchAt(0)
    const other = new Watching(registry, 'order')
    await other.sees()
    await api.watchAt(1)
    onTestFinished(async () => {
      for (const watching of [one, other]) await watching[Symbol.asyncDispose]()
    })
  }
})

describe('a refusal', () => {
  test.each([
    [401, /401 Unauthorized: it does not know who asks; give a token/],
    [
      403,
      /403 Unauthorized: let the account list and watch endpointslices of discovery\.k8s\.io, by the Role in the README/,
    ],
    [404, /404 Unauthorized: it has no discovery\.k8s\.io\/v1/],
    [500, /500 Unauthorized$/],
  ])('of status %i says what to do, and is tried again', async (status, form) => {
    await using api = await ScriptedApi.open()
    api.scripts.list.push(({ answer }) => answer(status, { kind: 'Status', message: 'Unauthorized' }))
    await using watching = new Watching(openOn(api, { namespace: 'shop' }))
    const told = await watching.isTold(form)
    expect(told).toMatch(
      /^Kubernetes at https:\/\/127\.0\.0\.1:\d+, asked for the EndpointSlices of Service user in namespace shop: /,
    )
    await watching.sees()
  })

  test('by 429 is heeded: nothing is asked for as long as the server says, while another name is tried again', async () => {
    await using api = await ScriptedApi.open()
    const busy: Script = ({ answer }) => answer(429, { message: 'too many requests' }, { 'retry-after': '3600' })
    const failing: Script = ({ answer }) => answer(500, { message: 'failing' })
    api.scripts.list.push(busy)
    const registry = openOn(api)
    await using patient = new Watching(registry)
    await patient.isTold(/429 too many requests/)
    api.scripts.list.push(failing, failing, failing)
    await using other = new Watching(registry, 'order')
    await other.sees()
    expect(patient.troubles).toHaveLength(1)
    expect(api.lists.filter(({ parameters }) => parameters['labelSelector']?.endsWith('=user'))).toHaveLength(1)
  })

  test('by 429 is over when the time has passed that the server says', async () => {
    await using api = await ScriptedApi.open()
    api.scripts.list.push(({ answer }) => answer(429, { message: 'too many requests' }, { 'retry-after': '1' }))
    await using watching = new Watching(openOn(api))
    await watching.sees()
    expect(watching.troubles).toHaveLength(1)
  })

  test('by 401 is over when the token has been replaced, which is read for each request', async () => {
    await using api = await ScriptedApi.open()
    api.scripts.list.push(({ answer }) => answer(401, { message: 'Unauthorized' }))
    let token = 'old'
    await using watching = new Watching(openOn(api, { token: async () => token }))
    await watching.isTold(/401/)
    token = 'new'
    await watching.sees()
    expect(api.lists[0]?.token).toBe('old')
    expect(api.lists.at(-1)?.token).toBe('new')
    expect((await api.watchAt(0)).token).toBe('new')
  })
})

describe('a way to the server', () => {
  test('on which nothing arrives any more is left, and what changed meanwhile is seen', async () => {
    await using api = await ScriptedApi.open()
    await using link = await tcpLink(api.port)
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    const pulse = { pingMs: 20, lookMs: 20, silentLooks: 10 }
    await using watching = new Watching(openOn(api, { address: link.address, pulse }))
    await api.watchAt(0)
    await watching.sees('10.0.0.1')
    await link.freeze()
    api.items = [slice('a', { version: '2', addresses: ['10.0.0.2'] })]
    await watching.isTold(/nothing has come for 0\.2 s, though the server was asked for a sign of life/)
    await link.restore()
    await watching.sees('10.0.0.2')
  })

  test('that is quiet but alive is kept', async () => {
    await using api = await ScriptedApi.open()
    await using link = await tcpLink(api.port)
    const pulse = { pingMs: 10, lookMs: 40, silentLooks: 3 }
    await using watching = new Watching(openOn(api, { address: link.address, pulse }))
    await api.watchAt(0)
    const before = link.receivedBytes
    // As many answers to PINGs as come in three times the silence after which it would be cut.
    await eventually(() => expect(link.receivedBytes - before).toBeGreaterThan(36 * 17))
    expect(watching.troubles).toEqual([])
    expect(api.asked).toHaveLength(2)
  })

  test('that is cut is taken again, and the list is given again', async () => {
    await using api = await ScriptedApi.open()
    await using link = await tcpLink(api.port)
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    await using watching = new Watching(openOn(api, { address: link.address }))
    await api.watchAt(0)
    await watching.sees('10.0.0.1')
    const [before] = watching.newest
    await link.cut()
    await watching.isTold(/ECONNRESET/)
    expect(hosts(watching.newest)).toEqual(['10.0.0.1'])
    await link.restore()
    await eventually(() => expect(watching.snapshots).toHaveLength(2))
    expect(watching.newest[0]).toBe(before)
  })

  test.each([
    [{ servername: 'service.test' }, 'self-signed certificate'],
    [{ ca: certificate, servername: 'other.test' }, "Hostname/IP does not match certificate's altnames"],
  ])('whose certificate is not trusted is told, and what to name: %#', async (tls, text) => {
    await using api = await ScriptedApi.open()
    await using watching = new Watching(openOn(api, { tls }))
    const told = await watching.isTold(/: name the authority that signed its certificate/)
    expect(told).toContain(text)
    expect(watching.snapshots).toEqual([])
  })

  test('to a name none of whose addresses answers is told', async () => {
    await using api = await ScriptedApi.open()
    const { port } = api
    await api[Symbol.asyncDispose]()
    await using watching = new Watching(openOn(api, { address: `localhost:${port}` }))
    await watching.isTold(/asked for the EndpointSlices of Service user: .*ECONNREFUSED/)
  })

  test('in plain text is taken where the kubeconfig names one, as that of kubectl proxy', async () => {
    await using api = await ScriptedApi.open('http')
    api.items = [slice('a', { addresses: ['10.0.0.1'] })]
    const registry = openOn(api, { protocol: 'http', token: async () => undefined })
    await using watching = new Watching(registry)
    await watching.sees('10.0.0.1')
    expect(api.lists[0]?.token).toBeUndefined()
  })
})

test('a path of the server stands before every path', async () => {
  await using api = await ScriptedApi.open()
  await using watching = new Watching(openOn(api, { basePath: '/k8s/clusters/c-1' }))
  await watching.sees()
  expect(api.lists[0]?.path).toBe('/k8s/clusters/c-1/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices')
})

test('an access that cannot be opened is told, and tried again', async () => {
  await using api = await ScriptedApi.open()
  let isThere = false
  await using watching = new Watching(openOn(api, { fails: () => !isThere }))
  await watching.isTold(/^there is no kubeconfig yet$/)
  isThere = true
  await watching.sees()
})

test('leaving the loop ends the watch of the server, and close its connection', async () => {
  await using api = await ScriptedApi.open()
  await using link = await tcpLink(api.port)
  const registry = openOn(api, { address: link.address })
  const { signal } = new AbortController()
  let closed: Promise<unknown> | undefined
  for await (const _snapshot of registry.watch('user', { signal })) {
    closed = once((await api.watchAt(0)).reply, 'close')
    break
  }
  await closed
  expect(link.connectionCount()).toBe(1)
  await registry.close()
  await registry.close()
  // Before undici lets go of an idle connection by itself, which it does after 4 s.
  await eventually(() => expect(link.connectionCount()).toBe(0), { timeoutMs: 2_500 })
})

test('a name that no Service has the form of is told, and is an empty list', async () => {
  await using api = await ScriptedApi.open()
  await using watching = new Watching(openOn(api), 'shop.user.v1.UserService')
  await watching.isTold(
    /"shop\.user\.v1\.UserService" is no name of a Service: expected one such as user, or user\.shop/,
  )
  await watching.sees()
  expect(api.asked).toEqual([])
})
