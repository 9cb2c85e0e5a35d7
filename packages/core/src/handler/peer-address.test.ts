import { expect, it } from 'vitest'
import { toPeers } from './peer-address.ts'

it.each([
  ['db:5433', ['db:5433']],
  ['postgres://app:p%40ss@DB.shop.svc/shop?sslmode=require', ['db.shop.svc:5432']],
  ['postgresql://app@[::1]:6000/shop', ['[::1]:6000']],
  ['postgres://a,b:5433/shop', ['a:5432', 'b:5433']],
  ['mongodb://app:secret@a:27017,b:27018/shop?replicaSet=rs', ['a:27017', 'b:27018']],
  ['redis://cache', ['cache:6379']],
  ['HTTPS://api.example.com/v1', ['api.example.com:443']],
  ['https://api.example.com?to=other:1', ['api.example.com:443']],
  ['ldap://directory:389', ['directory:389']],
])('reads host and port of %s', (address, peers) => {
  expect(toPeers(address)).toEqual(peers)
  expect(toPeers({ reveal: () => address })).toEqual(peers)
})

it.each([
  '',
  'db',
  'ldap://directory',
  'db:0',
  'db:65536',
  'a b:1',
  'postgres://:5432',
  'postgres:///shop?host=/cloudsql/one',
  'mongodb+srv://cluster.example.com/shop',
  'sqlite:///var/data/shop.db',
  // A password that is not escaped.
  'postgres://app:12/34@db/shop',
  'postgres://app:12?34@db/shop',
  'postgres://app:12#34@db/shop',
])('tells nothing of %j', (address) => expect(toPeers(address)).toEqual([]))
