import { describe, expect, test } from 'vitest'
import type { ClientTransport } from '../client-transport.ts'
import { parsePlace, routeTo } from './place.ts'

const open = () => {
  throw new Error('nothing is opened to read an address')
}
const grpc: ClientTransport = { name: 'grpc', open }
const http: ClientTransport = { name: 'http', schemes: ['http', 'https'], open }
const secure: ClientTransport = { name: 'http', schemes: ['https'], open }

const read = (at: string, via = http) => parsePlace(at, { name: 'shop.NoteService', via })

describe('parsePlace', () => {
  test.each([
    ['dns:///user.shop.svc.cluster.local:50051', 'user.shop.svc.cluster.local', 50_051, undefined],
    ['dns:///user.shop.:1', 'user.shop', 1, undefined],
    ['dns://10.0.0.10/user:65535', 'user', 65_535, '10.0.0.10'],
    ['dns://10.0.0.10:8600/user:80', 'user', 80, '10.0.0.10:8600'],
    ['dns://[fd00::1]:8600/user:80', 'user', 80, '[fd00::1]:8600'],
  ])('reads %s as a name that DNS knows', (at, host, port, server) => {
    expect(read(at, grpc)).toEqual({ kind: 'named', host, port, server })
  })

  test.each([
    ['http://user', 'http', 'user:80', ''],
    ['https://user', 'https', 'user:443', ''],
    ['https://user:443/', 'https', 'user:443', ''],
    ['http://user:3000', 'http', 'user:3000', ''],
    ['https://[fd00::1]:3000/base/v1/', 'https', '[fd00::1]:3000', '/base/v1'],
  ])('reads %s as one server', (at, scheme, address, pathPrefix) => {
    expect(read(at)).toEqual({ kind: 'url', scheme, address, pathPrefix })
  })

  test.each([
    'dns:///user',
    'dns:///user:0',
    'dns:///user:65536',
    'dns:///:80',
    'dns:///us er:80',
    'dns:///a,b:80',
    'dns:///10.0.0.1:80',
    'dns:///[fd00::1]:80',
    'dns://user:80',
    'dns://resolver/user:80',
    'dns://10.0.0.10:0/user:80',
    'http://',
    'http://user:0',
    'http://user:65536',
    'http://ada:secret@user',
    'http://user/base?a=b',
    'http://user/base#a',
    'HTTP://user',
    'ftp://user',
  ])('refuses %s, and says what it takes', (at) => {
    expect(() => read(at)).toThrow(
      /^remote\(shop.NoteService\): at must be .*or dns:\/\/\/name:port, or local, or http:\/\/host, or https:\/\/host, found "/,
    )
  })

  test('refuses a URL that the transport does not speak', () => {
    expect(() => read('http://user', secure)).toThrow(
      /or https:\/\/host, found .* takes no http:\/\/\) \[config.malformed\]/,
    )
    expect(() => read('https://user', grpc)).toThrow(
      /or dns:\/\/\/name:port, or local, found .*\(grpc, .* takes no https:\/\/\)/,
    )
  })
})

test('needs no transport inside the process, and one everywhere else', () => {
  expect(routeTo('local', { name: 'shop.NoteService', via: undefined })).toEqual({ kind: 'local' })
  expect(() => routeTo('static:///a:1', { name: 'shop.NoteService', via: undefined })).toThrow(
    'remote(shop.NoteService): via must say how calls go to "static:///a:1"',
  )
})
