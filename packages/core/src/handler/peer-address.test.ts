import { expect, it } from 'vitest'
import { toPeer } from './peer-address.ts'

it.each([
  ['db:5433', 'db:5433'],
  ['postgres://app:p%40ss@DB.shop.svc/shop?sslmode=require', 'db.shop.svc:5432'],
  ['postgresql://app:a/b@[::1]:6000/shop', undefined],
  ['postgresql://app@[::1]:6000/shop', '[::1]:6000'],
  ['redis://cache', 'cache:6379'],
  ['HTTPS://api.example.com/v1', 'api.example.com:443'],
  ['ldap://directory:389', 'directory:389'],
])('reads host and port of %s', (address, peer) => {
  expect(toPeer(address)).toBe(peer)
  expect(toPeer({ reveal: () => address })).toBe(peer)
})

it.each(['', 'db', 'ldap://directory', 'db:0', 'db:65536', 'db:5432/shop', 'a b:1', 'postgres://:5432'])(
  'finds no host and port in %j',
  (address) => expect(toPeer(address)).toBeUndefined(),
)
