import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineHandler, defineService, type Service } from '@tenon/core'
import { type AnyContract, contract, contractInfo, type Schema } from '@tenon/core/contract'
import { ContractError, type Logger } from '@tenon/core/transport'
import { Type } from '@tenon/core/typebox'
import { grpcClient, grpcTransport, protoOf, updateProto } from '@tenon/transport-grpc'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'

const text = Type.String()
const small = Type.Integer({ minimum: 0, maximum: 1_000 })
const choice = (...texts: readonly string[]) => Type.Enum([...texts])

/** An operation that answers with its input. */
function echo(fields: Record<string, Schema>, proto?: URL) {
  const schema = Type.Object(fields as Record<string, typeof text>)
  return contract('demo.v1.Echo', { echo: { input: schema, output: schema } }, proto ? { proto } : {})
}

function serviceOf(of: AnyContract): Service {
  return defineService({
    name: 'echo',
    version: '1.0.0',
    handlers: [defineHandler(of, () => ({ echo: async (input: unknown) => input }) as never)],
    transports: () => [grpcTransport({ port: 0 })],
    admin: false,
  })
}

async function lockFile(content?: string): Promise<{ readonly path: string; readonly url: URL }> {
  const path = join(await temporaryFolder(), 'echo.proto')
  if (content !== undefined) await writeFile(path, content)
  return { path, url: pathToFileURL(path) }
}

/** A log that keeps its warnings. */
function warningLog(): Logger & { readonly warnings: readonly string[] } {
  const warnings: string[] = []
  const log = {
    warnings,
    debug() {},
    info() {},
    warn: (fields: object, message = '') => void warnings.push(`${message} ${JSON.stringify(fields)}`),
    error() {},
    child: () => log,
  }
  return log
}

async function problemsOf(service: Service): Promise<readonly string[]> {
  const { problems } = await service.check({ environment: {} })
  return problems.map(({ code, message }) => `${code} ${message}`)
}

async function call(of: AnyContract, port: number, input: unknown): Promise<unknown> {
  const channel = grpcClient().open({ contract: contractInfo(of), address: `127.0.0.1:${port}` })
  const [operation] = contractInfo(of).operations
  if (operation === undefined) throw new Error('expected an operation')
  try {
    return await channel.unary(operation, input, { metadata: {}, timeoutMs: 10_000, signal: undefined })
  } finally {
    await channel.close()
  }
}

function portOf(service: { readonly addresses: readonly { readonly port: number }[] }): number {
  const [address] = service.addresses
  if (address === undefined) throw new Error('expected an address')
  return address.port
}

const wide = { a: text, b: small, state: choice('on', 'off'), c: text }
/** What became of it: reordered, one gone, one new. */
const narrow = { d: small, state: choice('half', 'off', 'on'), c: text, a: text }

describe('a service', () => {
  test('is understood by callers of before and after, in whatever order its fields stand', async () => {
    const before = echo(wide)
    const { url, path } = await lockFile(protoOf(before))
    const fields = { ...narrow, d: Type.Optional(small), b: Type.Optional(small) }
    await using started = await serviceOf(echo(fields, url)).start({ environment: { LOG_LEVEL: 'silent' } })
    const old = { a: 'A', b: 1, state: 'off', c: 'C' }
    expect(await call(before, portOf(started), old)).toEqual(old)
    // The service did not wait for its lock to be written: its new field has the number that it gets then.
    expect(await updateProto(echo(fields, url))).toBe('written')
    expect(await readFile(path, 'utf8')).toContain('optional int32 d = 5;')
    const { d, ...others } = fields
    const current = { a: 'A', c: 'C', d: 7, state: 'half' }
    expect(await call(echo({ ...others, d }, url), portOf(started), current)).toEqual(current)
  })

  test('keeps 64 bits where its lock has them', async () => {
    const { url } = await lockFile(protoOf(echo({ a: Type.Integer() })))
    await using started = await serviceOf(echo({ a: Type.Integer({ minimum: 0, maximum: 5 }) }, url)).start({
      environment: { LOG_LEVEL: 'silent' },
    })
    const answer = call(echo({ a: Type.Integer() }), portOf(started), { a: 2 ** 32 + 1 })
    await expect(answer).rejects.toMatchObject({
      code: 'invalid_argument',
      details: { violations: [{ field: '/a', rule: 'maximum' }] },
    })
  })

  test('does not start against its lock, which a check tells with operation, message, field and what to do', async () => {
    const { url, path } = await lockFile(protoOf(echo({ a: text, b: text })))
    const service = serviceOf(echo({ a: small, b: Type.Array(text) }, url))
    const problems = [
      `contract.proto operation demo.v1.Echo/echo: field a of demo.v1.EchoRequest: the lock says string, the schema says int32; bring it back, use a new field beside it, or make a new version of the contract (lock: ${path})`,
      'field b of demo.v1.EchoRequest: the lock says string, the schema says repeated string',
      'field a of demo.v1.EchoResponse',
      'field b of demo.v1.EchoResponse',
    ]
    const found = await problemsOf(service)
    expect(found).toHaveLength(problems.length)
    for (const [index, problem] of problems.entries()) expect(found[index]).toContain(problem)
    await expect(service.start({ environment: { LOG_LEVEL: 'silent' } })).rejects.toThrow(ContractError)
  })

  test('does not start without the file that its contract names', async () => {
    const { url, path } = await lockFile()
    const [problem, ...others] = await problemsOf(serviceOf(echo(wide, url)))
    expect(others).toEqual([])
    expect(problem).toContain(
      `contract.proto contract demo.v1.Echo: the lock of its field numbers, ${path}, is not there`,
    )
    expect(problem).toContain('updateProto()')
  })

  test('does not start with a lock that cannot be read, or is at no file', async () => {
    const { url, path } = await lockFile('<<<<<<< HEAD\n')
    expect(await problemsOf(serviceOf(echo(wide, url)))).toEqual([
      expect.stringContaining(`${path}, line 1: expected syntax, found <`),
    ])
    const [remote] = await problemsOf(serviceOf(echo(wide, new URL('https://example.org/echo.proto'))))
    expect(remote).toContain('proto must be the address of a file')
    expect(await problemsOf(serviceOf(echo(wide, new URL('.', url))))).toEqual([
      expect.stringContaining('cannot be read: EISDIR'),
    ])
  })
})

test('a client does not open against its lock', async () => {
  const { url } = await lockFile(protoOf(echo({ a: text })))
  const open = () => grpcClient().open({ contract: contractInfo(echo({ a: small }, url)), address: '127.0.0.1:1' })
  expect(open).toThrow(ContractError)
})

describe('a start warns', () => {
  const warningsOf = async (of: AnyContract, environment: Readonly<Record<string, string>>) => {
    const log = warningLog()
    await using started = await serviceOf(of).start({ environment, log })
    expect(started.addresses).toHaveLength(1)
    return log.warnings
  }

  test('while developing of contracts without a lock, once', async () => {
    const [warning, ...others] = await warningsOf(echo(wide), {})
    expect(warning).toContain('gRPC field numbers follow the order of declaration')
    expect(warning).toContain('["demo.v1.Echo"]')
    expect(others).toEqual([])
    expect(await warningsOf(echo(wide), { NODE_ENV: 'production' })).toEqual([])
  })

  test('also in production of a lock that is behind, with what it lacks', async () => {
    const { url } = await lockFile(protoOf(echo({ a: text, b: text })))
    const [warning, ...others] = await warningsOf(echo({ a: text, c: text }, url), { NODE_ENV: 'production' })
    expect(warning).toContain('run updateProto()')
    expect(warning).toContain('"+demo.v1.EchoRequest.c","-demo.v1.EchoRequest.b"')
    expect(others).toEqual([])
  })

  test('of nothing where the lock is up to date', async () => {
    const { url } = await lockFile(protoOf(echo(wide)))
    expect(await warningsOf(echo(wide, url), {})).toEqual([])
  })
})

describe('updateProto', () => {
  test('makes the file, leaves it when nothing changed, and writes what did', async () => {
    const { url, path } = await lockFile()
    expect(await updateProto(echo(wide, url))).toBe('written')
    expect(await readFile(path, 'utf8')).toBe(protoOf(echo(wide)))
    expect(await updateProto(echo(wide, url))).toBe('unchanged')
    const lock = await readFile(path, 'utf8')
    expect(await updateProto(echo(narrow, url))).toBe('written')
    expect(await readFile(path, 'utf8')).toBe(protoOf(echo(narrow), { lock }))
    expect(await readdir(join(path, '..'))).toEqual(['echo.proto'])
  })

  test('keeps options of the file that were added by hand', async () => {
    const option = 'option go_package = "shop/echo/v1;echov1";'
    const { url, path } = await lockFile(protoOf(echo({ a: text })).replace('\nservice', `\n${option}\n\nservice`))
    expect(await updateProto(echo({ a: text, b: text }, url))).toBe('written')
    expect(await readFile(path, 'utf8')).toContain(`\n${option}\n`)
  })

  test('leaves the file alone when the contract breaks it', async () => {
    const lock = protoOf(echo({ a: text }))
    const { url, path } = await lockFile(lock)
    await expect(updateProto(echo({ a: small }, url))).rejects.toThrow(ContractError)
    expect(await readFile(path, 'utf8')).toBe(lock)
  })

  test('leaves nothing behind when it cannot write', async () => {
    const { path } = await lockFile()
    await mkdir(path)
    await writeFile(join(path, 'inside'), '')
    await expect(updateProto(echo(wide, pathToFileURL(path)))).rejects.toThrow('cannot be read: EISDIR')
    expect(await readdir(join(path, '..'))).toEqual(['echo.proto'])
  })

  test('may be called several times at once', async () => {
    const { url, path } = await lockFile()
    const calls = Array.from({ length: 8 }, async () => await updateProto(echo(wide, url)))
    expect(await Promise.all(calls)).toContain('written')
    expect(await readFile(path, 'utf8')).toBe(protoOf(echo(wide)))
    expect(await readdir(join(path, '..'))).toEqual(['echo.proto'])
  })

  test('writes the file behind a link', async () => {
    const { path } = await lockFile(protoOf(echo({ a: text })))
    const link = join(path, '..', 'link.proto')
    await symlink(path, link)
    expect(await updateProto(echo({ a: text, b: text }, pathToFileURL(link)))).toBe('written')
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect(await readFile(path, 'utf8')).toContain('optional string b = 2;')
  })

  test('leaves a link alone that leads to a file which is not there, and names both', async () => {
    const { path } = await lockFile()
    const link = join(path, '..', 'dangling.proto')
    await symlink('gone.proto', link)
    const update = updateProto(echo(wide, pathToFileURL(link)))
    await expect(update).rejects.toThrow(
      `contract demo.v1.Echo: the lock of its field numbers, ${link}, is a link to gone.proto, which is not there; bring that file back`,
    )
    await expect(update).rejects.toThrow(ContractError)
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
  })

  test('names the file that it cannot write', async () => {
    const { path } = await lockFile()
    const inNoFolder = join(path, 'echo.proto')
    const update = updateProto(echo(wide, pathToFileURL(inNoFolder)))
    await expect(update).rejects.toThrow(ContractError)
    await expect(update).rejects.toThrow(
      `contract demo.v1.Echo: the lock of its field numbers, ${inNoFolder}, cannot be written: ENOENT`,
    )
  })

  test('refuses what was added by hand and would be lost', async () => {
    const lock = `${protoOf(echo({ a: text }))}\nmessage Mine {}\n`
    const { url, path } = await lockFile(lock)
    await expect(updateProto(echo({ a: text }, url))).rejects.toThrow('message demo.v1.Mine: no method leads to it')
    expect(await readFile(path, 'utf8')).toBe(lock)
  })

  test('says what is missing when a contract names no file', async () => {
    await expect(updateProto(echo(wide))).rejects.toThrow('contract demo.v1.Echo names no file for its lock')
  })
})
