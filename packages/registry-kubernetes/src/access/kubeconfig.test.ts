import { describe, expect, test } from 'vitest'
import { chooseContext, type KubeconfigFile } from './kubeconfig.ts'

const file = (value: object, path = '/home/ada/.kube/config'): KubeconfigFile => ({ path, value })

const entry = (kind: string, name: string, fields: object) => ({ [`${kind}s`]: [{ name, [kind]: fields }] })

/** One cluster, one user and one context. */
function config({
  cluster = {},
  user = {},
  context = {},
}: {
  cluster?: object
  user?: object
  context?: object
} = {}): object {
  return {
    'current-context': 'here',
    ...entry('context', 'here', { cluster: 'c', user: 'u', ...context }),
    ...entry('cluster', 'c', { server: 'https://10.0.0.1:6443', ...cluster }),
    ...entry('user', 'u', user),
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

test('server, namespace and name of the certificate are those of the context', () => {
  const chosen = chooseContext([
    file(config({ context: { namespace: 'shop' }, cluster: { 'tls-server-name': 'api.internal' } })),
  ])
  expect(chosen).toMatchObject({ namespace: 'shop', serverName: 'api.internal', isVerified: true })
  expect(chosen.server.href).toBe('https://10.0.0.1:6443/')
})

test('the server is not verified where the cluster says so', () => {
  expect(chooseContext([file(config({ cluster: { 'insecure-skip-tls-verify': true } }))]).isVerified).toBe(false)
})

test('certificates stand in the file, or beside it, and what stands in it counts', () => {
  const cluster = { 'certificate-authority-data': base64('ca'), 'certificate-authority': 'ignored.crt' }
  const user = { 'client-certificate': 'ada.crt', 'client-key': '/keys/ada.key' }
  expect(chooseContext([file(config({ cluster, user }))])).toMatchObject({
    ca: { text: 'ca' },
    cert: { path: '/home/ada/.kube/ada.crt' },
    key: { path: '/keys/ada.key' },
  })
})

test('a token file counts before a token', () => {
  expect(chooseContext([file(config({ user: { token: 'abc' } }))]).token).toEqual({ text: 'abc' })
  expect(chooseContext([file(config({ user: { token: 'abc', tokenFile: 'token' } }))]).token).toEqual({
    path: '/home/ada/.kube/token',
  })
  expect(chooseContext([file(config())]).token).toBeUndefined()
})

test('a context may have no user', () => {
  const chosen = chooseContext([file(config({ context: { user: '' } }))])
  expect([chosen.token, chosen.cert]).toEqual([undefined, undefined])
})

test('another context may be chosen', () => {
  const value = { ...config(), contexts: [{ name: 'there', context: { cluster: 'c', namespace: 'stock' } }] }
  expect(chooseContext([file(value)], 'there').namespace).toBe('stock')
})

test('of several files the first that has something counts, and files are beside the one that names them', () => {
  const first = file({ 'current-context': 'here', ...entry('user', 'u', { tokenFile: 'token' }) }, '/first/config')
  const second = file({ ...config({ user: { token: 'abc' } }), 'current-context': 'there' }, '/second/config')
  expect(chooseContext([first, second]).token).toEqual({ path: '/first/token' })
})

describe('is refused', () => {
  const refused = (value: unknown, context?: string) => () => chooseContext([{ path: '/k', value }], context)

  test.each([[null], ['text'], [[]], [{ contexts: 3 }], [{ 'current-context': 7 }]])(
    '%j, which has no context',
    (value) => {
      expect(refused(value)).toThrow('kubernetesRegistry: /k: has no current-context: choose one with kubectl')
    },
  )

  test('a context, a cluster and a user that is not there', () => {
    expect(refused(config(), 'there')).toThrow('/k: has no context "there"')
    expect(refused(config({ context: { cluster: 'x' } }))).toThrow('/k: has no cluster "x"')
    expect(refused(config({ context: { user: 'x' } }))).toThrow('/k: has no user "x"')
  })

  test.each(['', '10.0.0.1:6443', 'ftp://10.0.0.1', 'https://ada:secret@10.0.0.1'])(
    'server %j, which is not shown',
    (server) => {
      expect(refused(config({ cluster: { server } }))).toThrow(
        '/k: server must be an address such as https://10.0.0.1:6443',
      )
      expect(refused(config({ cluster: { server } }))).not.toThrow('secret')
    },
  )

  test.each(['exec', 'auth-provider', 'username'])('a user with %s, and what to do instead is told', (name) => {
    expect(refused(config({ user: { [name]: { command: 'aws' } } }))).toThrow(
      `/k: a user with ${name} is not supported: run kubectl proxy and name its address as the server, or use a token`,
    )
  })

  test('a proxy', () => {
    expect(refused(config({ cluster: { 'proxy-url': 'http://proxy' } }))).toThrow('/k: proxy-url is not supported')
  })
})
