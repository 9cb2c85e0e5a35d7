import { contract, contractInfo } from '@tenon/core/contract'
import type { OperationEndpoint } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileAllowedMethods, compilePathReader, groupRoutes, rawPath, routesOf } from './route-table.ts'

const input = Type.Object({ userId: Type.String(), orderId: Type.String() })
const output = Type.Object({})

function endpoints(...routes: readonly `${'GET' | 'POST' | 'DELETE'} /${string}`[]): readonly OperationEndpoint[] {
  const specs = routes.map((http, index) => [`op${index}`, { input, output, http }])
  return contractInfo(contract('demo.v1.Demo', Object.fromEntries(specs))).operations.map((operation) => ({
    operation,
    dispatch: () => Promise.reject(new Error('not called')),
  }))
}

test('routes become paths of the router; those that differ only in the verb behind a parameter share one', () => {
  const routes = routesOf(
    endpoints(
      'GET /users',
      'GET /users:watch',
      'POST /users/:userId',
      'POST /users/:orderId:cancel',
      'GET /users/:userId',
    ),
  )
  const groups = groupRoutes(routes).map(({ method, path, routes: members }) => [
    `${method} ${path}`,
    members.map(({ http }) => http.path),
  ])
  expect(groups).toEqual([
    ['GET /users', ['/users']],
    ['GET /users::watch', ['/users:watch']],
    ['POST /users/:userId', ['/users/:orderId:cancel', '/users/:userId']],
    ['GET /users/:userId', ['/users/:userId']],
  ])
})

test('two operations that claim one route are named together, whatever their parameters are called', () => {
  const claim = () =>
    routesOf(
      endpoints('GET /users/:userId', 'GET /users/:orderId', 'POST /users/:userId', 'GET /a:x', 'GET /a:x', 'GET /a:y'),
    )
  expect(claim).toThrow(/demo\.v1\.Demo\/op0 and demo\.v1\.Demo\/op1 [^]*op3 and demo\.v1\.Demo\/op4/)
  expect(claim).toThrow(expect.objectContaining({ code: 'wiring.route_conflict' }))
})

test('parameters are cut from the raw path, then decoded', () => {
  const [route] = routesOf(endpoints('POST /users/:userId:cancel/orders/:orderId'))
  const read = route && compilePathReader(route, [route])
  expect(read?.('/users/a%3Ab%2Fc:cancel/orders/1.2')).toEqual({ userId: 'a:b/c', orderId: '1.2' })
  expect(read?.('/users/a:b:cancel/orders/1')).toEqual({ userId: 'a:b', orderId: '1' })
  expect(read?.('/users/a%3Acancel/orders/1')).toBeUndefined()
  expect(read?.('/users/:cancel/orders/1')).toBeUndefined()
})

test('the verbs of a path are those of every route that matches it', () => {
  const allowedAt = compileAllowedMethods(
    routesOf(endpoints('GET /users/:userId', 'DELETE /users/me', 'POST /users/:userId:cancel', 'GET /v1.0')),
  )
  expect(allowedAt('/users/me')).toEqual(['DELETE', 'GET', 'HEAD', 'OPTIONS'])
  expect(allowedAt('/users/1/x')).toEqual([])
  expect(allowedAt('/users/')).toEqual([])
  expect(allowedAt('/v1x0')).toEqual([])
})

test('a verb that one method has at a path is no part of a value for another', () => {
  const routes = routesOf(
    endpoints(
      'GET /users/:userId',
      'DELETE /users/:orderId:purge',
      'POST /users/:userId:cancel',
      'GET /users/:userId/x',
    ),
  )
  const [get, , , deeper] = routes
  const read = get && compilePathReader(get, routes)
  expect(read?.('/users/1:cancel')).toBeUndefined()
  expect(read?.('/users/1:purge')).toBeUndefined()
  expect(read?.('/users/1%3Acancel')).toEqual({ userId: '1:cancel' })
  expect(read?.('/users/1:cancelled')).toEqual({ userId: '1:cancelled' })
  expect(read?.('/users/1:cancel:')).toEqual({ userId: '1:cancel:' })
  expect(deeper && compilePathReader(deeper, routes)).toBeUndefined()
  const allowedAt = compileAllowedMethods(routes)
  expect(allowedAt('/users/1:cancel')).toEqual(['OPTIONS', 'POST'])
  expect(allowedAt('/users/1:purge')).toEqual(['DELETE', 'OPTIONS'])
  expect(allowedAt('/users/1:cancelled')).toEqual(['GET', 'HEAD', 'OPTIONS'])
  expect(allowedAt('/users/1:cancel/x')).toEqual(['GET', 'HEAD', 'OPTIONS'])
})

test('a path that two verbs claim in different places belongs to neither, unless a route has both', () => {
  const claims = ['POST /users/:userId:lock/orders/:orderId', 'POST /users/:userId/orders/:orderId:lock'] as const
  const routes = routesOf(endpoints(...claims))
  const path = '/users/1:lock/orders/2:lock'
  expect(routes.map((route) => compilePathReader(route, routes)?.(path))).toEqual([undefined, undefined])
  const all = routesOf(endpoints(...claims, 'POST /users/:userId:lock/orders/:orderId:lock'))
  const both = { userId: '1', orderId: '2' }
  expect(all.map((route) => compilePathReader(route, all)?.(path))).toEqual([undefined, undefined, both])
})

test('the path of a target is everything before its query', () => {
  expect(rawPath('/a%3Fb?c=/d')).toBe('/a%3Fb')
  expect(rawPath('http://host:1/a?b')).toBe('/a')
  expect(rawPath('http://host')).toBe('/')
  expect(rawPath('*')).toBe('*')
})
