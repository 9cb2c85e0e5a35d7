import { consulRegistry } from '@tenon/registry-consul'
import type { Published, RegistryPlace } from './registry-place.ts'

/** Consul answers each change with the whole list. */
export function consulPlace(): RegistryPlace | undefined {
  const address = process.env['CONSUL_HTTP_ADDR']
  if (!address) return undefined
  return {
    name: 'Consul',
    address,
    target: 1.05,
    environment: (port) => ({ BENCH_REGISTRY: 'consul', BENCH_ADDRESS: `127.0.0.1:${port}` }),
    publish: (name, count) => publish(address, { name, count }),
  }
}

interface Record {
  readonly Meta: Readonly<{ [key: string]: string }>
  readonly [key: string]: unknown
}

/**
 * Each copy of one that was announced, without checks of its own: Consul takes 200 connections from an address, and each instance keeps
 * one.
 */
async function publish(
  address: string,
  { name, count }: { readonly name: string; readonly count: number },
): Promise<Published> {
  const api = async (method: string, path: string, body?: object) => {
    const response = await fetch(`http://${address}/v1/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`Consul answered ${response.status}: ${await response.text()}`)
    return response
  }
  const ids = Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(4, '0')}`)
  const template = await announcedRecord(address, name, async (id) => (await api('GET', `agent/service/${id}`)).json())
  const register = (id: string, marker: string) => {
    const { Meta, ...rest } = template
    return api('PUT', 'agent/service/register', { ...rest, ID: id, Name: name, Meta: { ...Meta, marker } })
  }
  for (const id of ids) await register(id, '0')
  return {
    ids,
    change: async (id, marker) => void (await register(id, marker)),
    messageBytes: async () => (await (await api('GET', `health/service/${name}?passing`)).arrayBuffer()).byteLength,
    [Symbol.asyncDispose]: async () => {
      for (const id of ids) await api('PUT', `agent/service/deregister/${id}`)
    },
  }
}

/** What Consul has of an instance that the registry announces. */
async function announcedRecord(address: string, name: string, read: (id: string) => Promise<unknown>): Promise<Record> {
  const registry = consulRegistry({ address })
  const { signal } = new AbortController()
  const id = `${name}-template`
  const endpoints = ['http', 'grpc'].map((protocol, index) => ({ protocol, host: '10.0.0.1', port: 3001 + index }))
  const registration = await registry.announce({ id, name, version: '1.0.0', zone: 'eu-1', endpoints }, { signal })
  const { Tags, Meta, Port, Address, Weights } = (await read(id)) as Record
  await registration.withdraw({ signal })
  await registry.close?.()
  return { Tags, Meta, Port, Address, Weights }
}
