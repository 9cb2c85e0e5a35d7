import { etcdRegistry } from '@tenon/registry-etcd'
import { announceAll } from './announced.ts'
import type { RegistryPlace } from './registry-place.ts'

/** etcd tells of the key that has changed. */
export function etcdPlace(): RegistryPlace | undefined {
  const [endpoint] = (process.env['ETCD_ENDPOINTS'] ?? '').split(',')
  if (!endpoint) return undefined
  const address = endpoint.replace(/^https?:\/\//, '')
  return {
    name: 'etcd',
    address,
    // Frames of HTTP/2 and the header of the message, beside a record of some hundred bytes.
    target: 2,
    environment: (port) => ({ BENCH_REGISTRY: 'etcd', BENCH_ADDRESS: `127.0.0.1:${port}` }),
    publish: async (name, count) => {
      const announced = await announceAll(etcdRegistry({ endpoints: [address] }), { name, count })
      return { ...announced, messageBytes: () => recordBytes(address, `/tenon/services/${name}/${announced.ids[0]}`) }
    },
  }
}

/** Of a key with its value. @see etcd, gRPC gateway */
async function recordBytes(address: string, key: string): Promise<number> {
  const body = JSON.stringify({ key: Buffer.from(key).toString('base64') })
  const response = await fetch(`http://${address}/v3/kv/range`, { method: 'POST', body })
  const { kvs: [record] = [] } = (await response.json()) as { readonly kvs?: readonly { readonly value: string }[] }
  if (record === undefined) throw new Error(`registry: etcd has no key ${key}`)
  return key.length + Buffer.from(record.value, 'base64').length
}
