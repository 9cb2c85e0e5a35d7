import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { identity } from './client.test-harness.ts'
import type { GrpcClientTlsOptions } from './grpc-client-tls.ts'
import { RenewedFiles } from './renewed-files.ts'

/** Files that are read when and as the test says. */
function filesOf() {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-grpc-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, identity('service.test').cert)
  const reads: PromiseWithResolvers<GrpcClientTlsOptions>[] = []
  const read = () => {
    const one = Promise.withResolvers<GrpcClientTlsOptions>()
    reads.push(one)
    return one.promise
  }
  const files = RenewedFiles.of({ ca }, read)
  const renewals = [files.renew(), files.renew()] as const
  return { files, renewals, reads }
}

const newer = { ca: identity('service.test').cert }

test.each([
  ['ends with what was there before', ({ resolve }: Read) => resolve({ ca: identity('service.test').cert })],
  ['fails', ({ reject }: Read) => reject(new Error('a file is gone'))],
])('a read that began earlier and %s is passed over when a later one has ended', async (_how, end) => {
  const { files, renewals, reads } = filesOf()
  const [older, later] = reads
  later?.resolve(newer)
  await renewals[1]
  const { context } = files
  const warnings: unknown[] = []
  const warned = (warning: unknown) => void warnings.push(warning)
  process.on('warning', warned)
  onTestFinished(() => void process.off('warning', warned))
  if (older) end(older)
  await renewals[0]
  await new Promise(setImmediate)
  expect(files.context).toBe(context)
  expect(warnings).toEqual([])
})

test('reads that end in their order are both taken', async () => {
  const { files, renewals, reads } = filesOf()
  const contexts = [files.context]
  for (const [index, read] of reads.entries()) {
    read.resolve({ ca: identity('service.test').cert })
    await renewals[index]
    contexts.push(files.context)
  }
  expect(new Set(contexts).size).toBe(3)
})

type Read = PromiseWithResolvers<GrpcClientTlsOptions>
