import { randomUUID } from 'node:crypto'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineHandler, defineService, inject, integer, type LiveSetting, provide, token } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { contract, contractInfo } from '@tenon/core/contract'
import type { ConfigSource } from '@tenon/core/registry'
import { consulSource } from '@tenon/registry-consul'
import { etcdSource } from '@tenon/registry-etcd'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { consulAbsence, OwnConsul } from '../../packages/registry-consul/src/own-consul.test-harness.ts'
import { etcdAbsence, EtcdServer } from '../../packages/registry-etcd/src/etcd-server.test-harness.ts'
import { temporaryFolder } from '../support/own-process.ts'
import { startSteadyLoad } from './steady-load.ts'

/** 2 s; where other tests run beside this one, what a busy machine takes as well. */
const seenLimitMs = process.env['TENON_OUTAGES'] === 'all' ? 2_000 : 10_000

const prices = contract('demo.v1.PriceService', {
  limit: { input: Type.Object({}), output: Type.Object({ limit: Type.Integer() }), grpc: true },
})
const Limit = token<LiveSetting<number>>('limit')

/** A place where a setting is written by others. */
interface WrittenPlace {
  readonly source?: ConfigSource
  readonly configFiles?: string
  write(text: string): Promise<void>
}

const places: Readonly<Record<string, { readonly absence: string | undefined; open(): Promise<WrittenPlace> }>> = {
  'Consul KV': {
    absence: consulAbsence,
    open: async () => {
      const server = await OwnConsul.start()
      onTestFinished(() => server[Symbol.asyncDispose]())
      const source = consulSource({ address: server.address, prefix: 'config/price/' })
      return { source, write: async (text) => void (await server.ask('PUT', 'kv/config/price/PRICE_LIMIT', text)) }
    },
  },
  etcd: {
    absence: etcdAbsence,
    open: async () => {
      const server = await EtcdServer.start()
      onTestFinished(() => server[Symbol.asyncDispose]())
      const source = etcdSource({ endpoints: [server.address], prefix: '/config/price/' })
      return { source, write: (text) => server.put('/config/price/PRICE_LIMIT', text) }
    },
  },
  'a mounted ConfigMap': {
    absence: undefined,
    open: async () => {
      const configFiles = await temporaryFolder()
      const write = async (text: string) => {
        const version = `..${randomUUID()}`
        await mkdir(join(configFiles, version))
        await writeFile(join(configFiles, version, 'PRICE_LIMIT'), text)
        await symlink(version, join(configFiles, '..data_tmp'))
        await rename(join(configFiles, '..data_tmp'), join(configFiles, '..data'))
      }
      await write('1')
      await symlink(join('..data', 'PRICE_LIMIT'), join(configFiles, 'PRICE_LIMIT'))
      return { configFiles, write }
    },
  },
}

/** A service whose answers hang on a setting. */
async function startPrices({ source, configFiles }: WrittenPlace) {
  const service = defineService({
    name: 'price',
    version: '1.0.0',
    config: { priceLimit: integer('PRICE_LIMIT', 100, { min: 1, max: 1_000 }) },
    ...(configFiles !== undefined && { configFiles }),
    configSources: () => (source ? [source] : []),
    handlers: [
      defineHandler(prices, () => {
        const limit = inject(Limit)
        return { limit: async () => ({ limit: limit.current }) }
      }),
    ],
    providers: (settings) => [provide(Limit, { create: () => settings.watch('priceLimit') })],
    transports: () => [grpcTransport({ port: 0 })],
    admin: { port: 0 },
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const at = (protocol: string) => {
    const { host, port } = started.addresses.find((one) => one.protocol === protocol) ?? expect.unreachable()
    return `${host}:${port}`
  }
  const channel = grpcClient().open({ contract: contractInfo(prices), address: at('grpc') })
  const client = buildClient<typeof prices>(prices, channel)
  return {
    limit: async () => (await client.limit({})).limit,
    refused: async () => {
      const response = await fetch(`http://${at('admin')}/info`)
      const { config } = (await response.json()) as { readonly config: { readonly refused: readonly string[] } }
      return config.refused
    },
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
    },
  }
}

describe.each(Object.entries(places))('a setting from %s', (_name, { absence, open }) => {
  test.skipIf(absence !== undefined)(
    `is seen by calls soon after each change, and keeps its last good value where a new one cannot be used${absence === undefined ? '' : ` (${absence})`}`,
    async () => {
      const place = await open()
      await place.write('1')
      await using service = await startPrices(place)
      const seen = new Set<number>()
      const load = startSteadyLoad(async () => seen.add(await service.limit()), 4)
      for (const limit of [1, 2, 3]) {
        await place.write(String(limit))
        await eventually(() => expect(seen).toContain(limit), { timeoutMs: seenLimitMs })
      }
      await place.write('many')
      await eventually(async () => expect(await service.refused()).toEqual(['PRICE_LIMIT']), { timeoutMs: seenLimitMs })
      await load.succeeded(20)
      expect(await service.limit()).toBe(3)
      await place.write('4')
      await eventually(() => expect(seen).toContain(4), { timeoutMs: seenLimitMs })
      expect(await service.refused()).toEqual([])
      expect((await load.finish()).failures).toEqual([])
      expect([...seen]).toEqual([1, 2, 3, 4])
    },
  )
})
